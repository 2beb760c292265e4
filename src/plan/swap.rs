//! A relation that is made beside another one and takes its name.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::dialect::Dialect;
use crate::relation::Target;

/// The name under which a relation is made before it takes its place.
pub(super) fn new(target: &Target, dialect: &dyn Dialect) -> Target {
    beside(target, "__trueup_new", dialect.longest_name())
}

/// The name of a relation while another one takes its place, where that is more than one statement.
pub(super) fn old(target: &Target, dialect: &dyn Dialect) -> Target {
    beside(target, "__trueup_old", dialect.longest_name())
}

/// A name that would be too long is cut, and told apart by a number.
fn beside(target: &Target, ending: &str, longest: usize) -> Target {
    // `_old` may come behind it.
    let room = longest.saturating_sub(ending.len() + "_old".len());
    let name = if target.name.len() <= room {
        format!("{}{ending}", target.name)
    } else {
        let mut hasher = DefaultHasher::new();
        target.name.hash(&mut hasher);
        let number = format!("_{:016x}", hasher.finish());
        let kept = target.name.floor_char_boundary(room.saturating_sub(number.len()));
        format!("{}{number}{ending}", &target.name[..kept])
    };
    Target { name, ..target.clone() }
}
