//! A relation that is made beside another one and takes its name.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::dialect::Dialect;
use crate::relation::{Layout, PhysicalOptions, RelationKind, Target, WarehouseState};

/// The name under which a relation is made before it takes its place.
pub(super) fn new(target: &Target, dialect: &dyn Dialect) -> Target {
    beside(target, "__trueup_new", dialect.longest_name())
}

/// The name of a relation while another one takes its place, where that is more than one statement.
pub(super) fn old(target: &Target, dialect: &dyn Dialect) -> Target {
    beside(target, "__trueup_old", dialect.longest_name())
}

/// The name under which new rows are kept that have not passed their audit.
pub(super) fn rejected(target: &Target, dialect: &dyn Dialect) -> Target {
    beside(target, "__rejected", dialect.longest_name())
}

/// The name of the table that says which intervals of a table were done, and from what.
pub(super) fn ledger(target: &Target, dialect: &dyn Dialect) -> Target {
    beside(target, "__intervals", dialect.longest_name())
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

/// The names of a relation that is replaced in more than one step.
#[derive(Debug, Clone)]
pub(super) struct Swap {
    /// Where it stands. Quoted, as are all of these.
    pub(super) relation: String,
    /// Its last part.
    pub(super) name: String,
    /// The new relation until it stands there.
    pub(super) new: String,
    /// The old one from then on.
    pub(super) old: String,
    /// The last part of that.
    pub(super) old_name: String,
    /// Whether an earlier step was cut off in the middle, so that the relation is to be found under its old name.
    pub(super) is_lost: bool,
    /// Whether one was cut off near its end, so that the relation before it is still there.
    pub(super) has_leftover: bool,
    /// What one that was cut off before that has left under the name of the new relation.
    pub(super) unfinished: Option<RelationKind>,
}

impl Swap {
    /// Where the relation is to be found now.
    pub(super) fn place(&self, target: &Target, dialect: &dyn Dialect) -> Target {
        if self.is_lost { old(target, dialect) } else { target.clone() }
    }

    pub(super) fn of(target: &Target, state: &WarehouseState, dialect: &dyn Dialect) -> Self {
        let (new, old) = (new(target, dialect), old(target, dialect));
        let is_there = state.get(target).is_some();
        let left = |target: &Target| state.get(target).filter(|_| dialect.capabilities().multi_statements);
        let has_old = left(&old).is_some();
        Self {
            relation: dialect.relation(target),
            name: dialect.identifier(&target.name),
            new: dialect.relation(&new),
            old: dialect.relation(&old),
            old_name: dialect.identifier(&old.name),
            is_lost: has_old && !is_there,
            has_leftover: has_old && is_there,
            unfinished: left(&new).map(|relation| relation.kind),
        }
    }
}

/// In what a table lies otherwise than its config wants it, in words. What the config says and nobody understands is no
/// difference.
pub(super) fn difference(options: &PhysicalOptions, layout: &Layout, dialect: &dyn Dialect) -> Option<String> {
    let of_partitions = match (&options.partition_by, &layout.partitioning) {
        (None, None) => None,
        (None, Some(is)) => Some(format!("it is partitioned by {is}, and its config names no partitions")),
        (Some(by), is) => dialect.partitioning(by).and_then(|wanted| match is {
            Some(is) if is.is_same(&wanted) => None,
            Some(is) => Some(format!("it is partitioned by {is}, and its config wants {wanted}")),
            None => Some(format!("it has no partitions, and its config wants {wanted}")),
        }),
    };
    of_partitions.or_else(|| {
        let wanted: Vec<String> = options.cluster_by.iter().map(|name| name.trim().replace('`', "")).collect();
        let is = &layout.clustering;
        let is_same =
            wanted.len() == is.len() && wanted.iter().zip(is).all(|(one, other)| one.eq_ignore_ascii_case(other));
        let words = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        (!is_same).then(|| format!("it is clustered by {}, and its config wants {}", words(is), words(&wanted)))
    })
}
