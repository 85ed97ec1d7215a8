//! The stack of the calling thread.
#![expect(unsafe_code, reason = "the stack is read")]

use std::ops::Range;
use std::ptr;

use crate::stack;

/// The part of the calling thread's stack that is in use. Not for other threads.
pub(super) struct Stack {
    used: Range<usize>,
    own: std::marker::PhantomData<*const ()>,
}

impl Stack {
    /// From the stack pointer to the end. `None` on a stack that the thread was not born with, as coroutines have them.
    #[inline]
    pub(super) fn of_thread(sp: usize) -> Option<Self> {
        let (low, high) = stack::bounds()?;
        (low <= sp && sp < high).then_some(Self { used: sp..high, own: std::marker::PhantomData })
    }

    /// A word of the stack.
    #[inline]
    pub(super) fn read(&self, at: usize) -> Option<usize> {
        let last = self.used.end.checked_sub(size_of::<usize>())?;
        if at < self.used.start || at > last {
            return None;
        }
        // SAFETY: the word lies between the stack pointer at which the walk began, in a function that has not returned yet, and
        // the end of the stack of this very thread: mapped as long as the thread lives. It may be anybody's local variable,
        // which is why it is read as a volatile value and not through a reference.
        Some(unsafe { ptr::with_exposed_provenance::<usize>(at).read_unaligned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_is_read_within_its_bounds_only() {
        let local = std::hint::black_box(4711_usize);
        let at = ptr::from_ref(&local).addr();
        let stack = Stack::of_thread(at).unwrap();
        assert_eq!(stack.read(at), Some(4711));
        assert_eq!(stack.read(at - 1), None);
        assert!(stack.read(stack.used.end - 8).is_some());
        for beyond in [stack.used.end - 7, stack.used.end, usize::MAX, 0, 1] {
            assert_eq!(stack.read(beyond), None, "{beyond}");
        }
        let heap = Box::new(1_usize);
        assert!(Stack::of_thread(ptr::from_ref(&*heap).addr()).is_none());
    }
}
