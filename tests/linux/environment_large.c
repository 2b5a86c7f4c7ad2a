/* A hundred thousand bytes set by setenv, and very long lines through stdio. */
#include "test.h"
int main(void) {
    char name[32];
    static char value[1000];
    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "VARIABLE_%d", i);
        setenv(name, value, 1);
    }
    YES(strlen(getenv("VARIABLE_0")) == 999 && strlen(getenv("VARIABLE_99")) == 999);
    for (int i = 0; i < 30; i++) printf("%s", value);
    puts("");
    return 0;
}
