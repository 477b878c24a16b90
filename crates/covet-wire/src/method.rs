//! Request methods and sets of them.

use std::fmt;

/// A request method (RFC 9110, section 9).
///
/// The nine standard methods can be routed; any other syntactically valid token is [`Other`], so
/// that it is answered with 405 or 501 and not mistaken for a malformed request. Methods are
/// case-sensitive: `get` is `Other`.
///
/// [`Other`]: Method::Other
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// `TRACE`
    Trace,
    /// `CONNECT`
    Connect,
    /// Any other token.
    Other,
}

impl Method {
    /// The nine standard methods, in the order an `Allow` header lists them.
    pub const STANDARD: [Self; 9] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Options,
        Self::Trace,
        Self::Connect,
    ];

    /// The method a token names; [`Method::Other`] for any that is not standard.
    #[inline]
    pub const fn from_bytes(token: &[u8]) -> Self {
        match token {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"PATCH" => Self::Patch,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    /// The token on the wire; `"OTHER"` for [`Method::Other`], whose own name only the request
    /// head knows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Connect => "CONNECT",
            Self::Other => "OTHER",
        }
    }

    /// This method's bit in a [`MethodSet`]; none for [`Method::Other`].
    const fn bit(self) -> u16 {
        match self {
            Self::Other => 0,
            standard => 1 << standard as u16,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of standard methods. Displays as the value of an `Allow` header: `GET, HEAD, OPTIONS`.
///
/// [`Method::Other`] is never a member: inserting it changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MethodSet(u16);

impl MethodSet {
    /// The set with no method in it.
    pub const EMPTY: Self = Self(0);
    /// All nine standard methods.
    pub const ALL: Self = Self(0x1ff);

    /// The set of one method.
    pub const fn of(method: Method) -> Self {
        Self(method.bit())
    }

    /// Adds a method.
    pub const fn insert(&mut self, method: Method) {
        self.0 |= method.bit();
    }

    /// Takes a method out.
    pub const fn remove(&mut self, method: Method) {
        self.0 &= !method.bit();
    }

    /// Whether the method is in the set.
    #[inline]
    pub const fn contains(self, method: Method) -> bool {
        self.0 & method.bit() != 0
    }

    /// Whether no method is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many methods are in the set.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The methods of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The methods in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The methods in `Allow` order.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::STANDARD.into_iter().filter(move |&method| self.contains(method))
    }
}

impl FromIterator<Method> for MethodSet {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        methods.into_iter().fold(Self::EMPTY, |set, method| set.union(Self::of(method)))
    }
}

impl fmt::Display for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, method) in self.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{method}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_method_is_its_own_token() {
        for method in Method::STANDARD {
            assert_eq!(Method::from_bytes(method.as_str().as_bytes()), method);
        }
        for other in ["get", "PROPFIND", "GETS", "OTHER", ""] {
            assert_eq!(Method::from_bytes(other.as_bytes()), Method::Other, "{other}");
        }
    }

    #[test]
    fn a_set_lists_its_methods_in_allow_order() {
        let set: MethodSet = [Method::Options, Method::Head, Method::Get].into_iter().collect();
        assert_eq!(set.to_string(), "GET, HEAD, OPTIONS");
        assert_eq!(set.len(), 3);
        assert_eq!(MethodSet::EMPTY.to_string(), "");
        assert_eq!(MethodSet::ALL.iter().collect::<Vec<_>>(), Method::STANDARD);
    }

    #[test]
    fn sets_combine() {
        let mut set = MethodSet::of(Method::Get);
        set.insert(Method::Connect);
        assert!(set.contains(Method::Connect) && !set.contains(Method::Post));
        assert_eq!(set.intersection(MethodSet::of(Method::Get)), MethodSet::of(Method::Get));
        set.remove(Method::Get);
        set.remove(Method::Connect);
        assert!(set.is_empty());
    }

    #[test]
    fn other_is_never_a_member() {
        let mut set = MethodSet::EMPTY;
        set.insert(Method::Other);
        assert!(set.is_empty());
        assert!(!MethodSet::ALL.contains(Method::Other));
    }
}
