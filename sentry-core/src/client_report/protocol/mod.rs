//! Client reports on the wire, and what each kind of item counts as when it is lost.

mod category;
mod loss;
mod reason;
mod report;
pub(crate) mod size;

pub use self::category::Category;
pub use self::loss::{ItemLoss, LossSource};
pub use self::reason::Reason;
pub use self::report::{Item, Report};
