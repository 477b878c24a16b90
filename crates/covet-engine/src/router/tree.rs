//! The tree of the patterns that have parameters, by segment.
//!
//! A pattern's segments lead from the root to its node; equal segments share nodes, whatever
//! their parameters are called. A node's depth says which segment of a path it stands for, so one
//! lookup enters a node at most once: there is backtracking, but nothing is tried twice. A
//! subtree is left out if the lowest route in it is higher than one that is already found.

use covet_wire::{Method, MethodSet};

use super::{
    RouteId,
    pattern::{Pattern, Segment},
    pieces::{self, Piece, Scratch, segment_len},
    table::StrTable,
};

/// A route for each method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PerMethod([RouteId; Method::STANDARD.len()]);

impl PerMethod {
    pub(super) const NONE: Self = Self([RouteId::NONE; Method::STANDARD.len()]);

    /// The route for a method, or [`RouteId::NONE`]: above every route there is.
    #[inline]
    pub(super) fn get(&self, method: Method) -> RouteId {
        self.0.get(method as usize).copied().unwrap_or(RouteId::NONE)
    }

    /// Where `route` comes before the route of a method, it takes its place.
    pub(super) fn lower(&mut self, methods: MethodSet, route: RouteId) {
        for method in methods.iter() {
            if let Some(slot) = self.0.get_mut(method as usize) {
                *slot = route.min(*slot);
            }
        }
    }

    pub(super) fn methods(&self) -> MethodSet {
        Method::STANDARD.into_iter().filter(|&method| self.get(method) != RouteId::NONE).collect()
    }
}

/// What a lookup is for.
pub(super) trait Visit {
    /// Whether any of these routes could still matter.
    fn wants(&self, routes: &PerMethod) -> bool;
    /// These routes match.
    fn take(&mut self, routes: &PerMethod);
}

/// Finds the first route for one method.
pub(super) struct First {
    pub(super) method: Method,
    /// The best so far, or [`RouteId::NONE`].
    pub(super) route: RouteId,
}

impl Visit for First {
    #[inline]
    fn wants(&self, routes: &PerMethod) -> bool {
        routes.get(self.method) < self.route
    }

    #[inline]
    fn take(&mut self, routes: &PerMethod) {
        self.route = self.route.min(routes.get(self.method));
    }
}

/// Finds the methods of all routes.
pub(super) struct Union(pub(super) MethodSet);

impl Visit for Union {
    fn wants(&self, _routes: &PerMethod) -> bool {
        true
    }

    fn take(&mut self, routes: &PerMethod) {
        self.0 = self.0.union(routes.methods());
    }
}

/// The tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// The children that stand for a literal segment, by the index of their parent.
    literals: StrTable<u32>,
}

#[derive(Clone, Debug)]
struct Node {
    /// The routes that end here.
    routes: PerMethod,
    /// The lowest routes in the subtrees below.
    lowest: PerMethod,
    has_literals: bool,
    children: Vec<(Segment, u32)>,
    tails: Vec<(Box<[Piece]>, PerMethod)>,
}

impl Node {
    const NEW: Self = Self {
        routes: PerMethod::NONE,
        lowest: PerMethod::NONE,
        has_literals: false,
        children: Vec::new(),
        tails: Vec::new(),
    };
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![Node::NEW], literals: StrTable::default() }
    }
}

impl Tree {
    /// Adds a route; routes must come in ascending order.
    pub(super) fn insert(&mut self, pattern: &Pattern, methods: MethodSet, route: RouteId) {
        let mut at = 0;
        for segment in &pattern.segments {
            self.nodes[at as usize].lowest.lower(methods, route);
            at = self.child(at, segment);
        }
        let node = &mut self.nodes[at as usize];
        let Some(tail) = &pattern.tail else { return node.routes.lower(methods, route) };
        node.lowest.lower(methods, route);
        let known = node.tails.iter().position(|(pieces, _)| pieces == tail);
        let index = known.unwrap_or_else(|| {
            node.tails.push((tail.clone(), PerMethod::NONE));
            node.tails.len() - 1
        });
        node.tails[index].1.lower(methods, route);
    }

    /// The child of a node for a segment, made if there is none.
    #[allow(clippy::cast_possible_truncation, reason = "2^32 nodes fit in no memory")]
    fn child(&mut self, parent: u32, segment: &Segment) -> u32 {
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[parent as usize];
        let child = if let Segment::Literal(text) = segment {
            node.has_literals = true;
            *self.literals.entry(parent, text.as_bytes(), || next)
        } else {
            let known = node.children.iter().find(|(other, _)| other == segment);
            known.map_or(next, |(_, child)| *child)
        };
        if child == next {
            if !matches!(segment, Segment::Literal(_)) {
                node.children.push((segment.clone(), next));
            }
            self.nodes.push(Node::NEW);
        }
        child
    }

    /// Shows every route that matches `path`, which begins with a `/`, to the visitor.
    #[inline]
    pub(super) fn visit(&self, path: &[u8], visitor: &mut impl Visit, scratch: &mut Scratch) {
        if let [b'/', rest @ ..] = path
            && visitor.wants(&self.nodes[0].lowest)
        {
            self.walk(0, rest, visitor, scratch);
        }
    }

    /// `rest` is what follows the slash before the segment that the node's children stand for.
    ///
    /// The last child that matches is not walked by a recursive call but in the next round, since there
    /// is nothing to come back for: most lookups never recurse.
    fn walk(&self, at: u32, rest: &[u8], visitor: &mut impl Visit, scratch: &mut Scratch) {
        let (mut at, mut rest) = (at, rest);
        loop {
            let node = &self.nodes[at as usize];
            let (segment, after) = split_segment(rest);
            let mut last =
                if node.has_literals { self.literals.get(at, segment).copied() } else { None };
            for (pattern, child) in &node.children {
                if visitor.wants(self.reached(*child, after))
                    && pattern.matches(segment, scratch)
                    && let Some(earlier) = last.replace(*child)
                {
                    self.enter(earlier, after, visitor, scratch);
                }
            }
            if let (Some(child), Some(after), []) = (last, after, &*node.tails) {
                if !visitor.wants(&self.nodes[child as usize].lowest) {
                    return;
                }
                (at, rest) = (child, after);
                continue;
            }
            if let Some(child) = last {
                self.enter(child, after, visitor, scratch);
            }
            for (pieces, routes) in &node.tails {
                if visitor.wants(routes) && pieces::matches(pieces, rest, scratch) {
                    visitor.take(routes);
                }
            }
            return;
        }
    }

    /// The routes that a child can lead to: its own at the end of the path, or else the lowest of
    /// those below.
    #[inline]
    fn reached(&self, child: u32, after: Option<&[u8]>) -> &PerMethod {
        let node = &self.nodes[child as usize];
        if after.is_none() { &node.routes } else { &node.lowest }
    }

    #[inline]
    fn enter(
        &self,
        child: u32,
        after: Option<&[u8]>,
        visitor: &mut impl Visit,
        scratch: &mut Scratch,
    ) {
        let node = &self.nodes[child as usize];
        match after {
            None => visitor.take(&node.routes),
            Some(rest) if visitor.wants(&node.lowest) => self.walk(child, rest, visitor, scratch),
            Some(_) => {}
        }
    }
}

/// The text up to the next slash, and what follows the slash if there is one.
#[inline]
fn split_segment(rest: &[u8]) -> (&[u8], Option<&[u8]>) {
    let len = segment_len(rest);
    (&rest[..len], rest.get(len + 1..))
}
