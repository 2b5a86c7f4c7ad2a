/* Vector registers, the MXCSR and the x87 control word are kept over system calls and over signal handlers. */
#include "test.h"
#include <immintrin.h>
static volatile int handled;
__attribute__((target("avx"))) static void spoil_avx(void) {
    __asm__ volatile("vpcmpeqd %%xmm0, %%xmm0, %%xmm0\n vinsertf128 $1, %%xmm0, %%ymm0, %%ymm0\n vmovaps %%ymm0, %%ymm7\n"
                     "vmovaps %%ymm0, %%ymm15" ::: "xmm0", "xmm7", "xmm15");
}
static void handler(int sig) {
    handled++;
    if (__builtin_cpu_supports("avx")) spoil_avx();
    else __asm__ volatile("pcmpeqd %%xmm7, %%xmm7\n pcmpeqd %%xmm15, %%xmm15" ::: "xmm7", "xmm15");
    _mm_setcsr(0x1f80);
    __asm__ volatile("fninit");
}
/* One raw system call with known vectors before it, compared after it. */
__attribute__((target("avx"))) static int kept_avx(long number, long a, long b, long c) {
    float in[16] __attribute__((aligned(32))), out[16] __attribute__((aligned(32)));
    for (int i = 0; i < 16; i++) in[i] = (float)(i + number);
    long result = number;
    register long r10 __asm__("r10") = 8;
    __asm__ volatile("vmovaps (%[in]), %%ymm7\n vmovaps 32(%[in]), %%ymm15\n syscall\n vmovaps %%ymm7, (%[out])\n"
                     "vmovaps %%ymm15, 32(%[out])\n vzeroupper"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "memory", "xmm7", "xmm15");
    return memcmp(in, out, sizeof in) == 0;
}
static int kept_sse(long number, long a, long b, long c) {
    float in[8] __attribute__((aligned(16))), out[8] __attribute__((aligned(16)));
    for (int i = 0; i < 8; i++) in[i] = (float)(i + number);
    long result = number;
    register long r10 __asm__("r10") = 8;
    __asm__ volatile("movaps (%[in]), %%xmm7\n movaps 16(%[in]), %%xmm15\n syscall\n movaps %%xmm7, (%[out])\n movaps %%xmm15, 16(%[out])"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "memory", "xmm7", "xmm15");
    return memcmp(in, out, sizeof in) == 0;
}
static int kept(long number, long a, long b, long c) {
    int sse = kept_sse(number, a, b, c);
    return sse && (!__builtin_cpu_supports("avx") || kept_avx(number, a, b, c));
}
int main(void) {
    signal(SIGUSR1, handler);
    struct timespec brief = {0, 1000000};
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int ends[2];
    MUST(pipe(ends));
    unsigned short word = 0x27f, now = 0;
    _mm_setcsr(0x3f80);
    __asm__ volatile("fldcw %0" ::"m"(word));
    YES(kept(SYS_getpid, 0, 0, 0));
    YES(kept(SYS_nanosleep, (long)&brief, 0, 0));
    YES(kept(SYS_write, ends[1], (long)page, 4000));
    YES(kept(SYS_read, ends[0], (long)page, 4000));
    YES(kept(SYS_madvise, (long)page, PAGE, MADV_DONTNEED));
    YES(kept(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1));
    YES(handled >= 1);
    __asm__ volatile("fnstcw %0" : "=m"(now));
    YES(now == 0x27f);
    YES((_mm_getcsr() & 0xffc0) == 0x3f80);
    for (int i = 0; i < 1000; i++)
        if (!kept(SYS_getppid, 0, 0, 0)) puts("lost");
    return 0;
}
