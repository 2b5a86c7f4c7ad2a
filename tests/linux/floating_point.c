/* Floating point and the mathematics library (chosen by CPU features) give the same digits.
 * test: variants dynamic static
 */
#include "test.h"
#include <fenv.h>
#include <math.h>
int main(void) {
    double sum = 0;
    for (int i = 1; i < 2000; i++) sum += sin(i) * exp(-i / 500.0) + sqrt(i) * pow(i, 0.3) + fma(i, 0.1, 0.7);
    printf("%.15g\n", sum);
    for (int mode = 0; mode < 4; mode++) {
        int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
        fesetround(modes[mode]);
        getppid();
        printf("%g %g\n", nearbyint(2.5), nearbyint(-2.5));
    }
    fesetround(FE_TONEAREST);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double zero = 0, one = 1;
    volatile double infinite = one / zero;
    getppid();
    YES(isinf(infinite) && fetestexcept(FE_DIVBYZERO));
    long double wide = 1.0L / 3;
    printf("%.20Lg\n", wide);
    return 0;
}
