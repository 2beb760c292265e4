//! Warehouse nouns: what an object is called and what is known of it.

mod access;
mod data_type;
mod job;
mod layout;
mod physical;
mod state;
mod target;
mod width;

pub use access::{Access, Grant, RowPolicy};
pub use data_type::{DataType, Digits, Field, Nullability};
pub use job::{JOB_PRIORITIES, JobOptions, JobPriority};
pub use layout::{ColumnMarks, Layout, Partitioning, TimeUnit, UNFINISHED_LABEL};
pub use physical::{
    DistStyle, ENCODINGS, Encoding, GRANULARITIES, Granularity, Iceberg, Index, PhysicalOptions, PostgresOptions,
    RangePartitioning, RangeWidth, RedshiftOptions, SortStyle,
};
pub use state::{Column, Relation, RelationKind, WarehouseState};
pub use target::Target;
pub use width::{NoMoment, Width};
