/* process_vm_readv and process_vm_writev on the process itself: parts, holes, refusals. */
#include "fault.h"
#define READV(local, n, remote, m, flags) CALL(process_vm_readv(getpid(), local, n, remote, m, flags))
#define WRITEV(local, n, remote, m, flags) CALL(process_vm_writev(getpid(), local, n, remote, m, flags))
int main(void) {
    char *p = numbered_pages(6), text[64] = "";
    CALL(munmap(p + 2 * PAGE, PAGE));
    CALL(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
    CALL(mprotect(p + 5 * PAGE, PAGE, PROT_NONE));
    struct iovec local[2] = {{text, 3}, {text + 3, 5}}, remote[2] = {{p, 4}, {p + PAGE, 4}};
    READV(local, 2, remote, 2, 0);
    for (int i = 0; i < 8; i++) printf("%d ", text[i]);
    puts("");
    struct iovec over = {p + 2 * PAGE - 8, 16}, all = {text, 64}, none = {p + 2 * PAGE, 8}, hidden = {p + 5 * PAGE, 8};
    READV(&all, 1, &over, 1, 0);
    READV(&all, 1, &none, 1, 0);
    READV(&all, 1, &hidden, 1, 0);
    READV(&none, 1, remote, 1, 0);
    struct iovec parts[3] = {remote[0], none, remote[1]};
    READV(&all, 1, parts, 3, 0);
    struct iovec readable = {p + 4 * PAGE, 8};
    memset(text, 50, sizeof text);
    WRITEV(&all, 1, remote, 2, 0);
    printf("%d %d %d\n", p[3], p[4], p[PAGE]);
    WRITEV(&all, 1, &over, 1, 0);
    WRITEV(&all, 1, &readable, 1, 0);
    WRITEV(&all, 1, &none, 1, 0);
    READV(local, 2, remote, 2, 1);
    READV(local, 0, remote, 2, 0);
    READV(local, 2, remote, 0, 0);
    READV(local, 1025, remote, 1, 0);
    READV(local, 2, remote, 1025, 0);
    READV((struct iovec *)1, 1, remote, 1, 0);
    READV(local, 1, (struct iovec *)1, 1, 0);
    struct iovec negative = {text, -1UL};
    READV(&negative, 1, remote, 1, 0);
    READV(local, 1, &negative, 1, 0);
    CALL(process_vm_readv(-1, local, 1, remote, 1, 0));
    CALL(process_vm_readv(0x3fffffff, local, 1, remote, 1, 0));
    CALL(process_vm_readv(0x3fffffff, local, 0, remote, 1, 0));
    return 0;
}
