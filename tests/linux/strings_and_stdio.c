/* Vectorised string functions at every alignment, stdio on files, sorting: the C library at work.
 * test: variants dynamic static musl
 */
#include "test.h"
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
    char *page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 2 * PAGE, PAGE, PROT_NONE);
    int wrong = 0;
    for (int length = 0; length < 300; length++) { /* strings that end where the page does */
        char *s = page + 2 * PAGE - length - 1;
        memset(s, 'q', length);
        s[length] = 0;
        wrong += strlen(s) != (size_t)length || (length && (strchr(s, 'q') != s)) || strchr(s, 'z') || strnlen(s, 1000) != (size_t)length;
        wrong += memchr(s, 0, length + 1) != s + length || strcmp(s, s) != 0;
    }
    CALL(wrong);
    static int numbers[20000];
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) numbers[i] = (int)((seed = seed * 1664525 + 1013904223) >> 8);
    qsort(numbers, 20000, sizeof(int), compare);
    for (int i = 1; i < 20000; i++) wrong += numbers[i - 1] > numbers[i];
    CALL(wrong);
    test_scratch_directory();
    FILE *file = fopen("file", "w+");
    for (int i = 0; i < 5000; i++) fprintf(file, "line %d %x %s\n", i, i * i, i % 2 ? "odd" : "even");
    long length = ftell(file);
    rewind(file);
    int lines = 0, number;
    char line[100], word[10];
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "line %d %*x %9s", &number, word) == 2 && number == lines && (strcmp(word, "odd") == 0) == lines % 2) lines++;
    printf("%d lines, %ld bytes\n", lines, length);
    fseek(file, -10, SEEK_END);
    YES(fgets(line, sizeof line, file) && strcmp(line, "1c8 odd\n") != 5);
    fclose(file);
    CALL(unlink("file"));
    test_remove_scratch_directory();
    return 0;
}
