//! Lists.

use std::fmt::Debug;
use std::ops::DerefMut;

use sentry::protocol::Values;

fields!(Values<u8> {
    values: Vec<u8>,
});
const _: fn(&Values<u8>) -> bool = Values::is_empty;
const _: fn() -> Values<u8> = Values::new;
implements!(Values<u8>: AsMut<Vec<u8>> + AsRef<[u8]> + Clone + Debug + Default + DerefMut<Target = Vec<u8>> + Extend<u8> +
    From<Vec<u8>> + FromIterator<u8> + IntoIterator<Item = u8> + PartialEq);
wire!(Values<u8>);
implements!(&'static Values<u8>: IntoIterator<Item = &'static u8>);
implements!(&'static mut Values<u8>: IntoIterator<Item = &'static mut u8>);

#[test]
fn a_list_is_a_vector() {
    let mut list: Values<u8> = vec![1, 2].into();
    list.push(3);
    for number in &mut list {
        *number *= 2;
    }
    assert_eq!(list.values, [2, 4, 6]);
    assert_eq!(list.into_iter().sum::<u8>(), 12);
}
