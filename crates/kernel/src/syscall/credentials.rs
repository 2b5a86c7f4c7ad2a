//! Users, groups and capabilities: `credentials(7)`, all of them virtual.

use super::prctl::PR_SET_DUMPABLE;
use super::{Context, Outcome};
use crate::errno::{EINVAL, EPERM, ESRCH};
use crate::task::Tid;
use crate::task::capability::{CAP_SETGID, CAP_SETPCAP, CAP_SETUID};
use crate::task::exit::PR_SET_PDEATHSIG;
use crate::task::process::{Credentials, Process};
use crate::user_memory::UserPtr;

/// Real, effective, saved, file system: the order of the identities.
const REAL: usize = 0;
const EFFECTIVE: usize = 1;
const SAVED: usize = 2;
const FILE_SYSTEM: usize = 3;
/// "Leave it as it is" of `setresuid(2)` and its relatives.
const UNCHANGED: u32 = u32::MAX;

/// `SECBIT_NOROOT`, `SECBIT_NO_SETUID_FIXUP` and `SECBIT_KEEP_CAPS`.
const NO_ROOT: u32 = 1;
pub(super) const NO_SETUID_FIXUP: u32 = 4;
pub(super) const KEEP_CAPS: u32 = 16;
/// What the user of a file system may do who is root: `CAP_CHOWN`, `DAC_OVERRIDE`, `DAC_READ_SEARCH`, `FOWNER`,
/// `FSETID`, `LINUX_IMMUTABLE`, `MKNOD`, `MAC_OVERRIDE`.
const FILE_SYSTEM_CAPABILITIES: u64 = 0x1f | 1 << 9 | 1 << 27 | 1 << 32;

impl Credentials {
    /// Whether a capability is effective.
    pub fn is_capable(&self, capability: u32) -> bool {
        self.capabilities[0] >> capability & 1 != 0
    }

    /// All capabilities there are.
    fn valid(&self) -> u64 {
        (1 << (super::prctl::CAP_LAST + 1)) - 1
    }

    /// What a change of users does to capabilities (`capabilities(7)`, "Effect of user ID changes").
    fn after_user_change(&mut self, before: [u32; 4]) {
        if self.secure_bits & NO_SETUID_FIXUP != 0 {
            return;
        }
        let had_root = before[..FILE_SYSTEM].contains(&0);
        if had_root && !self.uid[..FILE_SYSTEM].contains(&0) {
            if self.secure_bits & KEEP_CAPS == 0 {
                self.capabilities[0] = 0;
                self.capabilities[1] = 0;
            }
            self.ambient = 0;
        }
        if before[EFFECTIVE] == 0 && self.uid[EFFECTIVE] != 0 {
            self.capabilities[0] = 0;
        } else if before[EFFECTIVE] != 0 && self.uid[EFFECTIVE] == 0 {
            self.capabilities[0] = self.capabilities[1];
        }
    }
}

impl Credentials {
    /// What the execution of a program does to identities, which its file may name, and to capabilities
    /// (`capabilities(7)`).
    pub fn after_execution(&mut self, (user, group): (Option<u32>, Option<u32>)) {
        if !self.no_new_privileges {
            self.uid[EFFECTIVE] = user.unwrap_or(self.uid[EFFECTIVE]);
            self.gid[EFFECTIVE] = group.unwrap_or(self.gid[EFFECTIVE]);
            if user.is_some() || group.is_some() {
                self.ambient = 0;
            }
        }
        let root = self.secure_bits & NO_ROOT == 0;
        if root && (self.uid[EFFECTIVE] == 0 || self.uid[REAL] == 0) {
            let permitted = self.bounding | self.capabilities[2];
            let effective = if self.uid[EFFECTIVE] == 0 { permitted } else { self.ambient };
            (self.capabilities[0], self.capabilities[1]) = (effective, permitted);
        } else {
            (self.capabilities[0], self.capabilities[1]) = (self.ambient, self.ambient);
        }
        self.secure_bits &= !KEEP_CAPS;
        for ids in [&mut self.uid, &mut self.gid] {
            (ids[SAVED], ids[FILE_SYSTEM]) = (ids[EFFECTIVE], ids[EFFECTIVE]);
        }
    }
}

fn with<T>(context: &Context<'_>, look: impl FnOnce(&Credentials) -> T) -> T {
    look(&context.process().credentials.borrow())
}

/// `getuid(2)`.
pub fn getuid(context: &mut Context<'_>) -> Outcome {
    Ok(with(context, |own| own.uid[REAL] as usize))
}

/// `geteuid(2)`.
pub fn geteuid(context: &mut Context<'_>) -> Outcome {
    Ok(with(context, |own| own.uid[EFFECTIVE] as usize))
}

/// `getgid(2)`.
pub fn getgid(context: &mut Context<'_>) -> Outcome {
    Ok(with(context, |own| own.gid[REAL] as usize))
}

/// `getegid(2)`.
pub fn getegid(context: &mut Context<'_>) -> Outcome {
    Ok(with(context, |own| own.gid[EFFECTIVE] as usize))
}

/// `getresuid(2)`.
pub fn getresuid(
    context: &mut Context<'_>,
    real: UserPtr<u32>,
    effective: UserPtr<u32>,
    saved: UserPtr<u32>,
) -> Outcome {
    let ids = with(context, |own| own.uid);
    real.write(ids[REAL])?;
    effective.write(ids[EFFECTIVE])?;
    saved.write(ids[SAVED])?;
    Ok(0)
}

/// `getresgid(2)`.
pub fn getresgid(
    context: &mut Context<'_>,
    real: UserPtr<u32>,
    effective: UserPtr<u32>,
    saved: UserPtr<u32>,
) -> Outcome {
    let ids = with(context, |own| own.gid);
    real.write(ids[REAL])?;
    effective.write(ids[EFFECTIVE])?;
    saved.write(ids[SAVED])?;
    Ok(0)
}

/// The new identities of a `setres*id` call, or `EPERM`.
fn changed(old: [u32; 4], new: [u32; 3], capable: bool) -> Option<[u32; 4]> {
    let mut ids = old;
    for (index, id) in new.into_iter().enumerate() {
        if id != UNCHANGED {
            if !capable && !old[..FILE_SYSTEM].contains(&id) {
                return None;
            }
            ids[index] = id;
        }
    }
    ids[FILE_SYSTEM] = ids[EFFECTIVE];
    Some(ids)
}

/// With another effective or file-system identity a process can be dumped no more, and forgets the signal it wanted at
/// the death of its parent.
fn became_another(process: &Process, before: [u32; 4], after: [u32; 4]) {
    if before[EFFECTIVE] != after[EFFECTIVE] || before[FILE_SYSTEM] != after[FILE_SYSTEM] {
        let mut flags = process.flags.borrow_mut();
        flags.insert(PR_SET_DUMPABLE, 0);
        flags.remove(&PR_SET_PDEATHSIG);
    }
}

fn set_users(context: &Context<'_>, new: impl FnOnce(&Credentials) -> [u32; 3]) -> Outcome {
    let process = context.process();
    let mut own = process.credentials.borrow_mut();
    let (before, wanted) = (own.uid, new(&own));
    own.uid = changed(before, wanted, own.is_capable(CAP_SETUID)).ok_or(EPERM)?;
    own.after_user_change(before);
    became_another(&process, before, own.uid);
    Ok(0)
}

fn set_groups_of(context: &Context<'_>, new: impl FnOnce(&Credentials) -> [u32; 3]) -> Outcome {
    let process = context.process();
    let mut own = process.credentials.borrow_mut();
    let (before, wanted) = (own.gid, new(&own));
    own.gid = changed(before, wanted, own.is_capable(CAP_SETGID)).ok_or(EPERM)?;
    became_another(&process, before, own.gid);
    Ok(0)
}

/// `setresuid(2)`.
pub fn setresuid(context: &mut Context<'_>, real: u32, effective: u32, saved: u32) -> Outcome {
    set_users(context, |_| [real, effective, saved])
}

/// `setresgid(2)`.
pub fn setresgid(context: &mut Context<'_>, real: u32, effective: u32, saved: u32) -> Outcome {
    set_groups_of(context, |_| [real, effective, saved])
}

/// `setuid(2)`: with the capability all three, else the effective one.
pub fn setuid(context: &mut Context<'_>, uid: u32) -> Outcome {
    if uid == UNCHANGED {
        return Err(EINVAL.into());
    }
    set_users(context, |own| if own.is_capable(CAP_SETUID) { [uid; 3] } else { [UNCHANGED, uid, UNCHANGED] })
}

/// `setgid(2)`.
pub fn setgid(context: &mut Context<'_>, gid: u32) -> Outcome {
    if gid == UNCHANGED {
        return Err(EINVAL.into());
    }
    set_groups_of(context, |own| if own.is_capable(CAP_SETGID) { [gid; 3] } else { [UNCHANGED, gid, UNCHANGED] })
}

/// The saved identity follows when the real one is set or the effective one becomes another than the real one.
fn reid(old: [u32; 4], real: u32, effective: u32) -> [u32; 3] {
    let follows = real != UNCHANGED || effective != UNCHANGED && effective != old[REAL];
    let new_effective = if effective == UNCHANGED { old[EFFECTIVE] } else { effective };
    [real, effective, if follows { new_effective } else { UNCHANGED }]
}

/// `setreuid(2)`.
pub fn setreuid(context: &mut Context<'_>, real: u32, effective: u32) -> Outcome {
    set_users(context, |own| reid(own.uid, real, effective))
}

/// `setregid(2)`.
pub fn setregid(context: &mut Context<'_>, real: u32, effective: u32) -> Outcome {
    set_groups_of(context, |own| reid(own.gid, real, effective))
}

/// `setfsuid(2)`: answers the old one, whether or not it changed.
pub fn setfsuid(context: &mut Context<'_>, uid: u32) -> Outcome {
    let process = context.process();
    let mut own = process.credentials.borrow_mut();
    let old = own.uid[FILE_SYSTEM];
    if uid != UNCHANGED && (own.is_capable(CAP_SETUID) || own.uid.contains(&uid)) {
        let before = own.uid;
        own.uid[FILE_SYSTEM] = uid;
        became_another(&process, before, own.uid);
        if own.secure_bits & NO_SETUID_FIXUP == 0 {
            if old == 0 && uid != 0 {
                own.capabilities[0] &= !FILE_SYSTEM_CAPABILITIES;
            } else if old != 0 && uid == 0 {
                own.capabilities[0] |= own.capabilities[1] & FILE_SYSTEM_CAPABILITIES;
            }
        }
    }
    Ok(old as usize)
}

/// `setfsgid(2)`.
pub fn setfsgid(context: &mut Context<'_>, gid: u32) -> Outcome {
    let process = context.process();
    let mut own = process.credentials.borrow_mut();
    let old = own.gid[FILE_SYSTEM];
    if gid != UNCHANGED && (own.is_capable(CAP_SETGID) || own.gid.contains(&gid)) {
        let before = own.gid;
        own.gid[FILE_SYSTEM] = gid;
        became_another(&process, before, own.gid);
    }
    Ok(old as usize)
}

/// `getgroups(2)`.
pub fn getgroups(context: &mut Context<'_>, size: i32, list: UserPtr<u32>) -> Outcome {
    let groups = with(context, |own| own.groups.clone());
    let size = usize::try_from(size).map_err(|_| EINVAL)?;
    if size > 0 {
        if size < groups.len() {
            return Err(EINVAL.into());
        }
        for (index, group) in groups.iter().enumerate() {
            list.at(index).write(*group)?;
        }
    }
    Ok(groups.len())
}

/// `setgroups(2)`.
pub fn setgroups(context: &mut Context<'_>, size: usize, list: UserPtr<u32>) -> Outcome {
    if !with(context, |own| own.is_capable(CAP_SETGID)) {
        return Err(EPERM.into());
    }
    if size > 65536 {
        return Err(EINVAL.into());
    }
    let groups = list.read_many(size)?;
    context.process().credentials.borrow_mut().groups = groups;
    Ok(0)
}

/// Words of a set by `capget(2)` version: 1 or 2.
fn capability_words(header: UserPtr<u32>) -> Result<usize, super::Stop> {
    match header.read()? {
        0x1998_0330 => Ok(1),
        0x2007_1026 | 0x2008_0522 => Ok(2),
        _ => {
            header.write(0x2008_0522)?;
            Err(EINVAL.into())
        }
    }
}

fn is_own(context: &Context<'_>, pid: u32) -> bool {
    pid == 0 || crate::kernel().tasks.meant(pid) == context.thread.tid.0
}

/// `capget(2)`.
pub fn capget(context: &mut Context<'_>, header: UserPtr<u32>, data: UserPtr<u32>) -> Outcome {
    let words = match capability_words(header) {
        Ok(words) => words,
        // Asking for the version alone is allowed.
        Err(super::Stop::Errno(EINVAL)) if data.is_null() => return Ok(0),
        Err(stop) => return Err(stop),
    };
    if data.is_null() {
        return Ok(0);
    }
    let pid = header.at(1).read()?;
    if (pid as i32) < 0 {
        return Err(EINVAL.into());
    }
    let target = match pid {
        0 => context.process(),
        pid => crate::kernel().thread(Tid(crate::kernel().tasks.meant(pid))).ok_or(ESRCH)?.process(),
    };
    let sets = target.credentials.borrow().capabilities;
    for word in 0..words {
        for (index, set) in sets.iter().enumerate() {
            data.at(word * 3 + index).write((set >> (32 * word)) as u32)?;
        }
    }
    Ok(0)
}

/// `capset(2)`.
pub fn capset(context: &mut Context<'_>, header: UserPtr<u32>, data: UserPtr<u32>) -> Outcome {
    let words = capability_words(header)?;
    if !is_own(context, header.at(1).read()?) {
        return Err(EPERM.into());
    }
    let mut sets = [0u64; 3];
    for word in 0..words {
        for (index, set) in sets.iter_mut().enumerate() {
            *set |= u64::from(data.at(word * 3 + index).read()?) << (32 * word);
        }
    }
    let process = context.process();
    let mut own = process.credentials.borrow_mut();
    let [effective, permitted, inheritable] = sets;
    let [_, old_permitted, old_inheritable] = own.capabilities;
    let sets = [effective, permitted, inheritable].map(|set| set & own.valid());
    let [effective, permitted, inheritable] = sets;
    let within = permitted & !old_permitted == 0
        && effective & !permitted == 0
        && (own.is_capable(CAP_SETPCAP) || inheritable & !(old_inheritable | old_permitted) == 0)
        && inheritable & !(old_inheritable | own.bounding) == 0;
    if !within {
        return Err(EPERM.into());
    }
    own.capabilities = sets;
    own.ambient &= permitted & inheritable;
    Ok(0)
}
