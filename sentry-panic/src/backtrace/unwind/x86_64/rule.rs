//! How to get from a frame to its caller.

/// The registers that matter. `pc` is a return address: the frame is in the call before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Registers {
    pub(super) pc: usize,
    pub(super) sp: usize,
    pub(super) fp: usize,
}

/// What is known about the frames of one return address, as one word that is never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule(u64);

/// Where a rule leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Caller(Registers),
    /// The frame has no caller.
    End,
    /// Only a real unwinder can tell.
    Unclear,
}

const WORD: usize = size_of::<usize>();
const FRAME: u64 = 1;
const BY_FP: u64 = 2;
const SAVES_FP: u64 = 4;

impl Rule {
    /// No frame is below this one.
    pub(super) const END: Self = Self(8);
    /// The rule does not fit here.
    pub(super) const UNCLEAR: Self = Self(16);

    /// The frame ends `size` bytes above the stack pointer, or (`by_fp`) above the frame pointer. The return address lies at its
    /// end; `fp`: how many bytes below the end the caller's frame pointer does, if this function saves it.
    pub(super) fn frame(by_fp: bool, size: i64, fp: Option<i64>) -> Self {
        let Ok(size) = u32::try_from(size) else { return Self::UNCLEAR };
        let slot = match fp {
            None => 0,
            Some(below) if below > 0 && below % WORD as i64 == 0 => {
                match u16::try_from(below / WORD as i64) {
                    Ok(words) => SAVES_FP | u64::from(words) << 16,
                    Err(_) => return Self::UNCLEAR,
                }
            }
            Some(_) => return Self::UNCLEAR,
        };
        Self(FRAME | if by_fp { BY_FP } else { 0 } | slot | u64::from(size) << 32)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The caller of the frame with these registers. `read` reads the stack.
    #[inline]
    pub(super) fn apply(self, registers: Registers, read: impl Fn(usize) -> Option<usize>) -> Step {
        if self.0 & FRAME == 0 {
            return if self == Self::END { Step::End } else { Step::Unclear };
        }
        self.caller(registers, read).unwrap_or(Step::Unclear)
    }

    #[inline]
    fn caller(self, registers: Registers, read: impl Fn(usize) -> Option<usize>) -> Option<Step> {
        let base = if self.0 & BY_FP == 0 { registers.sp } else { registers.fp };
        let end = base.checked_add((self.0 >> 32) as usize)?;
        // The stack grows downwards: whoever leads back would lead in circles.
        if end <= registers.sp {
            return None;
        }
        let pc = read(end.checked_sub(WORD)?)?;
        if pc == 0 {
            return Some(Step::End);
        }
        let fp = if self.0 & SAVES_FP == 0 {
            registers.fp
        } else {
            read(end.checked_sub((self.0 >> 16 & 0xffff) as usize * WORD)?)?
        };
        Some(Step::Caller(Registers { pc, sp: end, fp }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight words from address 800 on, each ten times its number.
    fn read(at: usize) -> Option<usize> {
        (800..864).contains(&at).then(|| (at - 800) / 8 * 10)
    }

    #[test]
    fn frames_lead_to_their_callers() {
        let here = Registers { pc: 1, sp: 800, fp: 840 };
        let caller = |pc, sp, fp| Step::Caller(Registers { pc, sp, fp });
        let cases = [
            (Rule::frame(false, 24, None), caller(20, 824, 840)),
            (Rule::frame(false, 24, Some(16)), caller(20, 824, 10)),
            (Rule::frame(true, 16, Some(16)), caller(60, 856, 50)),
            (Rule::frame(false, 8, None), Step::End),
            (Rule::END, Step::End),
            (Rule::UNCLEAR, Step::Unclear),
            // Beyond the stack; nowhere; not at a word.
            (Rule::frame(false, 400, None), Step::Unclear),
            (Rule::frame(false, 0, None), Step::Unclear),
            (Rule::frame(false, -8, None), Step::Unclear),
            (Rule::frame(false, 16, Some(3)), Step::Unclear),
        ];
        for (rule, expected) in cases {
            assert_eq!(rule.apply(here, read), expected, "{rule:?}");
            assert_eq!(Rule::from_bits(rule.bits()), rule);
            assert_ne!(rule.bits(), 0);
        }
    }

    #[test]
    fn a_frame_pointer_that_was_used_for_something_else_leads_nowhere() {
        let rule = Rule::frame(true, 16, Some(16));
        for fp in [0, 7, 700, usize::MAX] {
            let here = Registers { pc: 1, sp: 800, fp };
            assert_eq!(rule.apply(here, read), Step::Unclear, "{fp}");
        }
    }
}
