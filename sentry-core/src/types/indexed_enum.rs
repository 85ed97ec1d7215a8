use super::private::Sealed;

/// An enum of plain variants that can index a table.
pub trait IndexedEnum: Sealed + Sized + 'static {
    /// Every variant, each at its own index.
    const VARIANTS: &'static [Self];

    /// The index of this variant in [`VARIANTS`](Self::VARIANTS).
    #[must_use]
    fn as_index(&self) -> usize;
}

/// Defines a plain enum whose variants have names on the wire, and its [`IndexedEnum`].
///
/// One list of variants makes the enum, the table and the names, so they cannot drift apart.
macro_rules! wire_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $wire:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $wire)] $variant,)+
        }

        impl $name {
            /// How many variants there are.
            pub(crate) const COUNT: usize = <Self as $crate::types::IndexedEnum>::VARIANTS.len();

            /// Its name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::types::private::Sealed for $name {}

        impl $crate::types::IndexedEnum for $name {
            const VARIANTS: &'static [Self] = &[$(Self::$variant,)+];

            fn as_index(&self) -> usize {
                // The variants have no explicit discriminants: they count up in the order of `VARIANTS`.
                *self as usize
            }
        }
    };
}

pub(crate) use wire_enum;
