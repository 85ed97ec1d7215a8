//! Addresses and registers.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

use sentry::protocol::{Addr, RegVal};

const _: fn(&Addr) -> bool = Addr::is_null;
implements!(Addr: Copy + Debug + Default + Display + From<*const u8> + From<*mut u8> + From<i32> + From<u32> +
    From<u64> + From<usize> + FromStr + Hash + Ord);
wire!(Addr);

implements!(RegVal: Copy + Debug + Default + Display + From<*const u8> + From<*mut u8> + From<i32> + From<u32> +
    From<u64> + From<usize> + FromStr + Hash + Ord);
wire!(RegVal);

const _: fn(u64) -> Addr = Addr;
const _: fn(u64) -> RegVal = RegVal;
implements!(u64: From<Addr> + From<RegVal>);

#[test]
fn addresses_are_hexadecimal_text() {
    assert_eq!(
        (Addr(26).to_string(), RegVal::from(26_u32).to_string()),
        ("0x1a".to_owned(), "0x1a".to_owned())
    );
    assert_eq!("0x1a".parse::<Addr>().map(|addr| addr.0).ok(), Some(26));
    assert!(Addr::from(std::ptr::null::<u8>()).is_null());
}
