/* Standard input comes through to its end.
 * test: variants dynamic static musl
 * test: stdin first line
 * test: stdin second line
 * test: stdin
 * test: stdin after an empty one
 */
#include "test.h"
int main(void) {
    char line[256];
    int lines = 0;
    while (fgets(line, sizeof line, stdin)) printf("%d: %s", ++lines, line);
    YES(feof(stdin));
    CALL(read(0, line, sizeof line));
    return 0;
}
