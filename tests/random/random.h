/* What the interpreters of random programs share.
 *
 * A program is a list of operations on standard input, one a line: a name and numbers. An interpreter does them one
 * after the other and prints a line each: number, name, result, and what there was to see. The same list natively
 * and in a sandbox must print the same. Results begin with `ok` or the errno's name, so that they can be counted.
 */
#ifndef RANDOM_H
#define RANDOM_H
#include "../linux/fault.h"

#define MOST_ARGUMENTS 8
static long argument[MOST_ARGUMENTS];
static char operation[32];
static int line_number;

/* Reads the next operation. */
static bool next_operation(void) {
    static char line[256];
    if (!fgets(line, sizeof line, stdin)) return false;
    int at = 0, used = 0;
    memset(argument, 0, sizeof argument);
    if (sscanf(line, "%31s%n", operation, &at) != 1) return false;
    for (int i = 0; i < MOST_ARGUMENTS && sscanf(line + at, "%ld%n", &argument[i], &used) == 1; i++) at += used;
    line_number++;
    return true;
}
static bool is(const char *name) { return strcmp(operation, name) == 0; }

/* The line's beginning: a result below 0 is an errno. */
static void result(bool worked) {
    int error = errno;
    printf("%d %s %s", line_number, operation, worked ? "ok" : test_errno_name(error));
}
static void end_line(void) { putchar('\n'); }
static uint32_t sum_of(const volatile unsigned char *bytes, long len) {
    uint32_t sum = 2166136261u;
    for (long i = 0; i < len; i++) sum = (sum ^ bytes[i]) * 16777619u;
    return sum;
}
#endif
