//! trueup compiles a project of `.sqlx` models to a graph, finds the mistakes without a warehouse, and runs it.
//!
//! The modules are layers, in this order; each uses only what stands above it in this list.

pub mod files;

pub mod diagnostic;

pub mod config;

pub mod relation;

pub mod dialect;

pub mod action;

pub mod project;

pub mod sqlx;

pub mod format;

pub mod template;

pub mod graph;

pub mod analysis;

pub mod compile;

pub mod compare;

pub mod plan;

pub mod adapter;

pub mod execute;

pub mod artifact;

pub mod report;

pub mod error;

pub mod commands;

pub mod cli;
