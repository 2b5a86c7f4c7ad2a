//! Processor features. Programs choose code by them when they start (indirect functions, JITs), so an image
//! runs only where all that it has seen is there.

use abi::image::CpuFeatures;
use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// The feature words in the order of [`CpuFeatures::words`]: leaf, and names bit by bit as in
/// `/proc/cpuinfo`; `-` where a bit has none.
const WORDS: [(&str, &str); 8] = [
    (
        "1.ecx",
        "sse3 pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca \
         sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline aes xsave osxsave avx f16c rdrand hypervisor",
    ),
    (
        "1.edx",
        "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx \
         fxsr sse sse2 ss ht tm ia64 pbe",
    ),
    (
        "7.0.ebx",
        "fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp_excptn_only smep bmi2 erms invpcid rtm cqm zero_fcs_fds mpx \
         rdt_a avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb intel_pt avx512pf avx512er \
         avx512cd sha_ni avx512bw avx512vl",
    ),
    (
        "7.0.ecx",
        "prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 shstk gfni vaes vpclmulqdq avx512_vnni \
         avx512_bitalg tme avx512_vpopcntdq - la57 mawau0 mawau1 mawau2 mawau3 mawau4 rdpid kl \
         bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc pks",
    ),
    (
        "7.0.edx",
        "- sgx_keys avx512_4vnniw avx512_4fmaps fsrm uintr - - avx512_vp2intersect srbds_ctrl md_clear \
         rtm_always_abort - tsx_force_abort serialize hybrid_cpu tsxldtrk - pconfig arch_lbr ibt - amx_bf16 \
         avx512_fp16 amx_tile amx_int8 spec_ctrl stibp flush_l1d arch_capabilities core_capabilities ssbd",
    ),
    (
        "7.1.eax",
        "sha512 sm3 sm4 rao_int avx_vnni avx512_bf16 lass cmpccxadd archperfmonext - fzrm fsrs fsrc - - - - \
         fred lkgs wrmsrns nmi_src amx_fp16 hreset avx_ifma - - lam msrlist - - invd_disable movrs",
    ),
    (
        "80000001.ecx",
        "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt \
         - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx \
         addr_mask_ext -",
    ),
    (
        "80000001.edx",
        "fpu vme de pse tsc msr pae mce cx8 apic - syscall mtrr pge mca cmov pat pse36 - mp nx - mmxext mmx \
         fxsr fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow",
    ),
];

/// State components, bit by bit.
const XCR0: &str = "x87 sse avx bndregs bndcsr avx512_opmask avx512_zmm_hi256 avx512_hi16_zmm pt pkru pasid \
                    cet_user cet_supervisor hdc uintr lbr hwp amx_tilecfg amx_tiledata apx";

/// Bits that tell of the machine or its kernel, not of instructions: no program chooses code by them, and
/// they differ between a virtual machine and its twin.
const NOT_FOR_PROGRAMS: &str = "\
    hypervisor dtes64 monitor ds_cpl vmx smx est tm2 cid sdbg xtpr pdcm pcid dca x2apic tsc_deadline vme \
    de pse msr pae mce apic mtrr pge mca pat pse36 pn dts acpi ss ht tm ia64 pbe tsc_adjust sgx smep cqm \
    rdt_a smap intel_pt umip tme la57 mawau0 mawau1 mawau2 mawau3 mawau4 bus_lock_detect sgx_lc pks \
    sgx_keys srbds_ctrl md_clear rtm_always_abort tsx_force_abort hybrid_cpu pconfig arch_lbr spec_ctrl \
    stibp flush_l1d arch_capabilities core_capabilities ssbd invpcid lass archperfmonext fred lkgs \
    wrmsrns nmi_src hreset lam msrlist invd_disable cmp_legacy svm extapic cr8_legacy osvw ibs skinit \
    wdt nodeid_msr topoext perfctr_core perfctr_nb bpext ptsc perfctr_llc addr_mask_ext mp nx pdpe1gb";

/// The features of this host.
pub fn host() -> CpuFeatures {
    let basic = __cpuid(0).eax;
    let extended = __cpuid(0x8000_0000).eax;
    let one = __cpuid(1);
    let mut words = [one.ecx, one.edx, 0, 0, 0, 0, 0, 0];
    if basic >= 7 {
        let seven = __cpuid_count(7, 0);
        words[2..5].copy_from_slice(&[seven.ebx, seven.ecx, seven.edx]);
        if seven.eax >= 1 {
            words[5] = __cpuid_count(7, 1).eax;
        }
    }
    if extended >= 0x8000_0001 {
        let more = __cpuid(0x8000_0001);
        words[6..8].copy_from_slice(&[more.ecx, more.edx]);
    }
    let osxsave = one.ecx & (1 << 27) != 0;
    // SAFETY: XGETBV of register 0 exists and is allowed in user mode when OSXSAVE is set, which was just seen.
    let xcr0 = if osxsave { unsafe { xcr0() } } else { 0 };
    CpuFeatures { words, xcr0 }
}

/// # Safety
/// OSXSAVE must be set.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: the caller has seen OSXSAVE.
    unsafe { _xgetbv(0) }
}

/// Names of the features that are needed and that `host` lacks.
pub fn missing(needed: &CpuFeatures, host: &CpuFeatures) -> Vec<String> {
    let mut names = Vec::new();
    for ((needed, host), (leaf, bits)) in needed.words.iter().zip(host.words).zip(WORDS) {
        collect(u64::from(needed & !host), leaf, bits, &mut names);
    }
    collect(needed.xcr0 & !host.xcr0, "xcr0", XCR0, &mut names);
    names
}

fn collect(lacking: u64, word: &str, bits: &str, names: &mut Vec<String>) {
    let mut bits = bits.split_ascii_whitespace();
    for bit in 0..u64::BITS {
        let name = bits.next().unwrap_or("-");
        if lacking & (1 << bit) == 0 || NOT_FOR_PROGRAMS.split_ascii_whitespace().any(|other| other == name) {
            continue;
        }
        let name = if name == "-" { format!("CPUID {word} bit {bit}") } else { name.to_owned() };
        // Some bits of the extended leaf repeat those of leaf 1.
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_names_all_its_bits() {
        for (leaf, bits) in WORDS {
            assert_eq!(bits.split_ascii_whitespace().count(), 32, "{leaf}");
        }
    }

    #[test]
    fn ignored_names_exist() {
        let known = |name: &str| WORDS.iter().any(|(_, bits)| bits.split_ascii_whitespace().any(|bit| bit == name));
        let unknown: Vec<_> = NOT_FOR_PROGRAMS.split_ascii_whitespace().filter(|name| !known(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn host_has_its_own_features() {
        let host = host();
        assert_eq!(missing(&host, &host), Vec::<String>::new());
        // SSE2 is part of the architecture.
        assert_ne!(host.words[1] & (1 << 26), 0);
    }

    #[test]
    fn lacking_features_are_named() {
        let mut needed = CpuFeatures { words: [0; 8], xcr0: 1 << 18 };
        needed.words[2] = 1 << 16;
        needed.words[0] = 1 << 31;
        needed.words[4] = 1 << 24 | 1;
        assert_eq!(
            missing(&needed, &CpuFeatures::default()),
            ["avx512f", "CPUID 7.0.edx bit 0", "amx_tile", "amx_tiledata"]
        );
    }
}
