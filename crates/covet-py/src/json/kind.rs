//! What the instances of a Python type are written as.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use super::object::Fields;

/// How a value is written that is not exactly one of the plain JSON types.
#[derive(Clone)]
pub(super) enum Kind {
    /// `null`
    Undefined,
    Str,
    Int,
    Float,
    Bytes,
    DateTime,
    Date,
    Time,
    TimeDelta,
    Decimal,
    Uuid,
    /// What its `isoformat()` returns.
    IsoFormat,
    /// What its `total_seconds()` returns.
    TotalSeconds,
    /// Its `int()` or its `float()`.
    Number,
    /// Its `str()`.
    Display,
    /// Its `value`.
    Enum,
    /// Its `pattern`.
    Pattern,
    /// An array of what iterating yields.
    Iterable,
    /// An object of the pairs of its `items()`.
    Items,
    /// An object of its fields.
    Dataclass(Arc<Fields>),
    /// By pydantic's serializer of its class.
    Model,
    /// What the `model_dump` of its class returns.
    ModelDump,
    /// By msgspec.
    Struct,
    /// An object of its `dict()`, or else of its `vars()`.
    Object,
    /// An object of its `vars()`: `dict()` would refuse it for certain.
    Vars,
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    Itself,
    Subclasses,
}
use Of::{Itself, Subclasses};

/// The classes a value may be an instance of, in the order in which they are asked for: that of
/// `FastAPI`. A class whose module nobody has imported has no instances.
const CLASSES: &[(Of, &str, &str, Kind)] = &[
    (Itself, "datetime", "datetime", Kind::DateTime),
    (Itself, "datetime", "date", Kind::Date),
    (Itself, "datetime", "time", Kind::Time),
    (Itself, "datetime", "timedelta", Kind::TimeDelta),
    (Itself, "decimal", "Decimal", Kind::Decimal),
    (Itself, "uuid", "UUID", Kind::Uuid),
    (Subclasses, "enum", "Enum", Kind::Enum),
    (Subclasses, "pathlib", "PurePath", Kind::Display),
    (Subclasses, "builtins", "str", Kind::Str),
    (Subclasses, "builtins", "int", Kind::Int),
    (Subclasses, "builtins", "float", Kind::Float),
    (Subclasses, "pydantic_core", "PydanticUndefinedType", Kind::Undefined),
    (Subclasses, "builtins", "dict", Kind::Items),
    (Subclasses, "builtins", "list", Kind::Iterable),
    (Subclasses, "builtins", "tuple", Kind::Iterable),
    (Subclasses, "builtins", "set", Kind::Iterable),
    (Subclasses, "builtins", "frozenset", Kind::Iterable),
    (Subclasses, "collections", "deque", Kind::Iterable),
    (Subclasses, "builtins", "bytes", Kind::Bytes),
    (Subclasses, "pydantic.color", "Color", Kind::Display),
    (Subclasses, "pydantic_extra_types.color", "Color", Kind::Display),
    (Subclasses, "datetime", "date", Kind::IsoFormat),
    (Subclasses, "datetime", "time", Kind::IsoFormat),
    (Subclasses, "datetime", "timedelta", Kind::TotalSeconds),
    (Subclasses, "decimal", "Decimal", Kind::Number),
    (Subclasses, "ipaddress", "IPv4Address", Kind::Display),
    (Subclasses, "ipaddress", "IPv6Address", Kind::Display),
    (Subclasses, "ipaddress", "IPv4Network", Kind::Display),
    (Subclasses, "ipaddress", "IPv6Network", Kind::Display),
    (Subclasses, "pydantic.networks", "NameEmail", Kind::Display),
    (Subclasses, "pydantic.networks", "AnyUrl", Kind::Display),
    (Subclasses, "pydantic_core", "Url", Kind::Display),
    (Subclasses, "re", "Pattern", Kind::Pattern),
    (Subclasses, "pydantic.types", "SecretBytes", Kind::Display),
    (Subclasses, "pydantic.types", "SecretStr", Kind::Display),
    (Subclasses, "uuid", "UUID", Kind::Display),
    (Subclasses, "msgspec", "Struct", Kind::Struct),
    (Itself, "builtins", "range", Kind::Iterable),
    (Itself, "_collections_abc", "dict_keys", Kind::Iterable),
    (Itself, "_collections_abc", "dict_values", Kind::Iterable),
];

const SLOTS: usize = 128;
type Slot = Option<(Py<PyType>, Kind)>;

/// Types met lately, by their address. An entry keeps its type alive, so that no other type can
/// come to have that address.
static MET: Mutex<[Slot; SLOTS]> = Mutex::new([const { None }; SLOTS]);

/// How instances of `class` are written.
#[inline(never)]
pub(super) fn kind_of(class: &Bound<'_, PyType>) -> PyResult<Kind> {
    let address = class.as_ptr().addr();
    let slot = (address >> 4 ^ address >> 11) % SLOTS;
    if let Some(Some((known, kind))) = MET.lock().unwrap_or_else(PoisonError::into_inner).get(slot)
        && known.is(class)
    {
        return Ok(kind.clone());
    }
    let kind = classify(class)?;
    let entry = Some((class.clone().unbind(), kind.clone()));
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    let replaced = met.get_mut(slot).map(|place| std::mem::replace(place, entry));
    // The last reference to a type may run Python code: not under the lock.
    drop(met);
    drop(replaced);
    Ok(kind)
}

fn classify(class: &Bound<'_, PyType>) -> PyResult<Kind> {
    let py = class.py();
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let modules = modules.cast_into::<PyDict>()?;
    if let Some(base) = find(&modules, "pydantic.main", "BaseModel")?
        && is_subtype(class, &base)
    {
        let dump = intern!(py, "model_dump");
        let inherited = class.getattr(dump)?.is(base.getattr(dump)?);
        return Ok(if inherited { Kind::Model } else { Kind::ModelDump });
    }
    if class.hasattr(intern!(py, "__dataclass_fields__"))? {
        return Ok(Kind::Dataclass(Arc::new(Fields::of(class)?)));
    }
    for (of, module, name, kind) in CLASSES {
        if let Some(base) = find(&modules, module, name)?
            && (class.is(&base) || *of == Subclasses && is_subtype(class, &base))
        {
            return Ok(kind.clone());
        }
    }
    let has = |name| class.hasattr(name);
    Ok(if has(intern!(py, "__next__"))? {
        Kind::Iterable
    } else if has(intern!(py, "__iter__"))? || has(intern!(py, "__getitem__"))? {
        Kind::Object
    } else {
        Kind::Vars
    })
}

/// Whether `base` is in the bases of `class`, which asks no metaclass.
fn is_subtype(class: &Bound<'_, PyType>, base: &Bound<'_, PyType>) -> bool {
    class.mro().iter().any(|ancestor| ancestor.is(base))
}

/// A class of a module that has been imported.
fn find<'py>(
    modules: &Bound<'py, PyDict>,
    module: &str,
    name: &str,
) -> PyResult<Option<Bound<'py, PyType>>> {
    let Some(module) = modules.get_item(module)? else { return Ok(None) };
    Ok(module.getattr_opt(name)?.and_then(|class| class.cast_into().ok()))
}
