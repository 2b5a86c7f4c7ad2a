/* The auxiliary vector tells the truth; the vDSO is there and is an ELF.
 * test: variants dynamic static
 */
#include "test.h"
#include <sys/auxv.h>
int main(int argc, char **argv, char **environment) {
    YES(getauxval(AT_PAGESZ) == 4096);
    YES(getauxval(AT_CLKTCK) == 100);
    YES(getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid());
    YES(getauxval(AT_SECURE) == 0);
    YES(getauxval(AT_PHDR) != 0 && getauxval(AT_PHENT) == 56 && getauxval(AT_PHNUM) > 0);
    YES(getauxval(AT_ENTRY) != 0);
    const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
    YES(vdso && memcmp(vdso, "\177ELF", 4) == 0);
    const char *name = (const char *)getauxval(AT_EXECFN);
    YES(name && strstr(name, "auxiliary_vector"));
    YES(strcmp((const char *)getauxval(AT_PLATFORM), "x86_64") == 0);
    YES(((uintptr_t)argv & 7) == 0 && environment == argv + argc + 1);
    return 0;
}
