/* Arguments and environment arrive as they were given.
 * test: variants dynamic static musl
 * test: args one two=2 --three
 * test: env GREETING=good_day
 * test: env EMPTY=
 */
#include "test.h"
int main(int argc, char **argv) {
    printf("argc %d\n", argc);
    for (int i = 1; i < argc; i++) printf("argv[%d] %s\n", i, argv[i]);
    YES(argv[argc] == NULL);
    printf("GREETING %s\n", getenv("GREETING"));
    printf("EMPTY '%s'\n", getenv("EMPTY"));
    YES(getenv("NOT_THERE") == NULL);
    return 0;
}
