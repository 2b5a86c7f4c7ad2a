/* dlopen, dlsym and dlclose of a library of the system. */
#include "test.h"
#include <dlfcn.h>
int main(void) {
    void *math = dlopen("libm.so.6", RTLD_NOW);
    YES(math != NULL);
    double (*cosine)(double) = (double (*)(double))dlsym(math, "cos");
    YES(cosine && cosine(0) == 1);
    YES(dlsym(math, "not_a_function") == NULL && dlerror() != NULL);
    CALL(dlclose(math));
    YES(dlopen("libabsent.so.9", RTLD_NOW) == NULL);
    return 0;
}
