//! Lineage of columns, as a tree, as JSON and as diagrams.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};

use crate::analysis::bound::Relation;
use crate::analysis::{Direction, Flow, FlowKind, Lineage, Node};
use crate::compile::Compilation;

/// What was found of the lineage of some columns.
#[derive(Debug)]
pub struct LineageReport<'a> {
    /// The project.
    pub compilation: &'a Compilation,
    /// All of its flows.
    pub lineage: &'a Lineage<'a>,
    /// The columns that were asked for.
    pub roots: &'a [Node],
    /// What they come from.
    pub up: Vec<Flow>,
    /// What is made of them.
    pub down: Vec<Flow>,
}

impl LineageReport<'_> {
    /// A tree for each column: where it comes from, then where it goes. What is reached twice has its own branches once.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut trees = [Tree::new(self, Direction::Up, &self.up), Tree::new(self, Direction::Down, &self.down)];
        for root in self.roots {
            let branches = trees.iter().map(|tree| !tree.branches(root).is_empty());
            let has_branches: Vec<bool> = branches.collect();
            if root.column.is_none() && !has_branches.contains(&true) {
                continue;
            }
            text.push_str(&format!("{}\n", self.titled(root)));
            for (place, tree) in trees.iter_mut().enumerate().filter(|(place, _)| has_branches[*place]) {
                let is_last = place == 1 || !has_branches[1];
                let (turn, line) = if is_last { ("└─", "   ") } else { ("├─", "│  ") };
                text.push_str(&format!("{turn} {}\n", if place == 0 { "comes from" } else { "goes to" }));
                tree.draw(root, line, &mut text);
            }
        }
        if self.roots.iter().all(|root| root.column.is_none()) {
            let names =
                self.roots.iter().map(|root| format!("{}: none of its columns are known\n", self.relation(root)));
            text.extend(names);
        }
        text
    }

    /// One object: `roots`, all `columns` that were met, and the `flows` between them.
    pub fn json(&self) -> String {
        let place = |node: &Node| json!({ "relation": self.relation(node), "column": node.column });
        let columns = self.nodes().into_iter().filter(|node| node.column.is_some()).map(|node| {
            let column = self.lineage.described(node);
            json!({
                "relation": self.relation(node),
                "column": node.column,
                "type": self.data_type(node),
                "nullability": column.and_then(|column| column.nullable.word()),
            })
        });
        let flows = self
            .flows()
            .into_iter()
            .map(|flow| json!({ "from": place(&flow.from), "to": place(&flow.to), "kind": flow.kind.word() }));
        let roots = self.roots.iter().filter(|node| node.column.is_some()).map(place);
        let whole = json!({
            "roots": roots.collect::<Vec<Value>>(),
            "columns": columns.collect::<Vec<Value>>(),
            "flows": flows.collect::<Vec<Value>>(),
        });
        format!("{whole}\n")
    }

    /// A flow chart: a box for each relation, with its columns in it.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        let names = self.numbered();
        for (place, (relation, nodes)) in self.by_relation().into_iter().enumerate() {
            text.push_str(&format!("  subgraph r{place}[{}]\n", mermaid_text(&relation)));
            for node in nodes {
                text.push_str(&format!("    n{}[{}]\n", names[node], mermaid_text(label(node))));
            }
            text.push_str("  end\n");
        }
        for flow in self.flows() {
            let arrow = if matches!(flow.kind, FlowKind::Origin(_)) { "-->" } else { "-.->" };
            let (from, to) = (names[&flow.from], names[&flow.to]);
            text.push_str(&format!("  n{from} {arrow}|{}| n{to}\n", flow.kind.word()));
        }
        text
    }

    /// The same in the language of Graphviz.
    pub fn dot(&self) -> String {
        let mut text = String::from("digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n");
        let names = self.numbered();
        for (place, (relation, nodes)) in self.by_relation().into_iter().enumerate() {
            text.push_str(&format!("  subgraph cluster_{place} {{\n    label={};\n", dot_text(&relation)));
            for node in nodes {
                text.push_str(&format!("    n{} [label={}];\n", names[node], dot_text(label(node))));
            }
            text.push_str("  }\n");
        }
        for flow in self.flows() {
            let style = if matches!(flow.kind, FlowKind::Origin(_)) { "" } else { ", style=dashed" };
            let (from, to) = (names[&flow.from], names[&flow.to]);
            text.push_str(&format!("  n{from} -> n{to} [label=\"{}\"{style}];\n", flow.kind.word()));
        }
        text.push_str("}\n");
        text
    }

    /// Those of both directions, each once.
    fn flows(&self) -> Vec<&Flow> {
        let mut known = HashSet::new();
        self.up.iter().chain(&self.down).filter(|flow| known.insert(*flow)).collect()
    }

    /// The roots and all that flows from or to something.
    fn nodes(&self) -> BTreeSet<&Node> {
        let roots = self.roots.iter().filter(|node| node.column.is_some());
        roots.chain(self.flows().into_iter().flat_map(|flow| [&flow.from, &flow.to])).collect()
    }

    fn numbered(&self) -> HashMap<&Node, usize> {
        self.nodes().into_iter().enumerate().map(|(number, node)| (node, number)).collect()
    }

    fn by_relation(&self) -> BTreeMap<String, Vec<&Node>> {
        let mut relations: BTreeMap<String, Vec<&Node>> = BTreeMap::new();
        for node in self.nodes() {
            relations.entry(self.relation(node)).or_default().push(node);
        }
        relations
    }

    fn relation(&self, node: &Node) -> String {
        match &node.relation {
            Relation::Action(id) => self.compilation.graph.get(*id).target.to_string(),
            Relation::Own => "self".to_owned(),
            Relation::Undeclared(path) => path.to_string(),
        }
    }

    /// In the words of the project's dialect, if it is known.
    fn data_type(&self, node: &Node) -> Option<String> {
        let data_type = self.lineage.data_type(node);
        let semantics = self.compilation.project.settings.dialect.semantics();
        (!data_type.is_vague()).then(|| semantics.type_name(&data_type))
    }

    /// `shop.orders.amount  DECIMAL(10,2)`; of rows `shop.orders, its rows`.
    fn titled(&self, node: &Node) -> String {
        let relation = self.relation(node);
        let Some(column) = &node.column else { return format!("{relation}, its rows") };
        let data_type = self.data_type(node).map(|name| format!("  {name}")).unwrap_or_default();
        format!("{relation}.{column}{data_type}")
    }
}

/// Flows as branches that begin at the columns that were asked for.
struct Tree<'a> {
    report: &'a LineageReport<'a>,
    direction: Direction,
    branches: HashMap<&'a Node, Vec<&'a Flow>>,
    drawn: HashSet<&'a Node>,
}

impl<'a> Tree<'a> {
    fn new(report: &'a LineageReport<'a>, direction: Direction, flows: &'a [Flow]) -> Self {
        let mut branches: HashMap<&Node, Vec<&Flow>> = HashMap::new();
        for flow in flows {
            let at = if direction == Direction::Up { &flow.to } else { &flow.from };
            branches.entry(at).or_default().push(flow);
        }
        Self { report, direction, branches, drawn: HashSet::new() }
    }

    /// What goes out from a node by itself. What decides on its rows is drawn with the first column of its relation.
    fn branches(&self, node: &Node) -> Vec<&'a Flow> {
        let own = self.branches.get(node).into_iter().flatten();
        let rows = node.rows();
        let is_first = node.column.is_some() && self.direction == Direction::Up && !self.drawn.contains(&rows);
        let rows = self.branches.get(&rows).into_iter().flatten().filter(|_| is_first);
        own.chain(rows).copied().collect()
    }

    #[recursive::recursive]
    fn draw(&mut self, node: &Node, before: &str, text: &mut String) {
        // One that is read in several ways is one branch.
        let mut ends: Vec<(&Node, Vec<&str>)> = Vec::new();
        for flow in self.branches(node) {
            let end = if self.direction == Direction::Up { &flow.from } else { &flow.to };
            match ends.iter_mut().find(|(known, _)| *known == end) {
                Some((_, words)) => words.push(flow.kind.word()),
                None => ends.push((end, vec![flow.kind.word()])),
            }
        }
        for known in [node.clone(), node.rows()] {
            if let Some((known, _)) = self.branches.get_key_value(&known) {
                self.drawn.insert(known);
            }
        }
        let last = ends.len().saturating_sub(1);
        for (place, (end, words)) in ends.into_iter().enumerate() {
            let is_drawn = self.drawn.contains(end);
            let (turn, line) = if place == last { ("└─", "   ") } else { ("├─", "│  ") };
            let see = if is_drawn { "  (see above)" } else { "" };
            text.push_str(&format!("{before}{turn} {} {}{see}\n", words.join(", "), self.report.titled(end)));
            if !is_drawn {
                self.draw(end, &format!("{before}{line}"), text);
            }
        }
    }
}

fn label(node: &Node) -> &str {
    node.column.as_deref().unwrap_or("(rows)")
}

/// In quotes, with what means something to Mermaid as its number.
fn mermaid_text(text: &str) -> String {
    let quoted = |char: char| match char {
        '"' | '#' | ';' | '<' | '>' | '&' | '`' | '\\' => format!("#{};", char as u32),
        char if char.is_control() => " ".to_owned(),
        char => char.to_string(),
    };
    format!("\"{}\"", text.chars().map(quoted).collect::<String>())
}

fn dot_text(text: &str) -> String {
    let quoted = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        char if char.is_control() => " ".to_owned(),
        char => char.to_string(),
    };
    format!("\"{}\"", text.chars().map(quoted).collect::<String>())
}
