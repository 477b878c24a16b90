//! Values that are not of the plain JSON types.

use covet_wire::json::Text;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyType};
use pyo3::{PyTypeInfo, intern};

use super::kind::{Kind, kind_of};
use super::walker::{Failure, HIDDEN, Walker, Written};
use super::{datetime, number};

/// The names of a dataclass's fields, in order.
pub(super) struct Fields(Vec<Py<PyString>>);

impl Fields {
    pub(super) fn of(class: &Bound<'_, PyType>) -> PyResult<Self> {
        let py = class.py();
        let fields = py.import(intern!(py, "dataclasses"))?.call_method1("fields", (class,))?;
        let names = fields.try_iter()?.map(|field| {
            let name = field?.getattr(intern!(py, "name"))?;
            Ok(name.cast_into::<PyString>()?)
        });
        let names = names.collect::<PyResult<Vec<_>>>()?;
        let shown = names.into_iter().filter(|name| !name.to_string_lossy().starts_with(HIDDEN));
        Ok(Self(shown.map(Bound::unbind).collect()))
    }
}

impl<'py> Walker<'_, 'py> {
    #[inline(never)]
    pub(super) fn object(&mut self, value: &Bound<'py, PyAny>) -> Written {
        let py = self.py;
        match kind_of(&value.get_type())? {
            Kind::Undefined => {
                self.json.null();
                Ok(())
            }
            Kind::Str => self.string(value.as_borrowed()),
            Kind::Int => self.int(value.as_borrowed()),
            Kind::Float => self.float(value.as_borrowed()),
            Kind::Bytes => self.bytes(value),
            Kind::DateTime => datetime::write_datetime(self, value),
            Kind::Date => datetime::write_date(self, value),
            Kind::Time => datetime::write_time(self, value),
            Kind::TimeDelta => datetime::write_timedelta(self, value),
            Kind::Decimal => number::write_decimal(self, value),
            Kind::Uuid => number::write_uuid(self, value),
            Kind::IsoFormat => datetime::write_iso(self, value),
            Kind::TotalSeconds => datetime::write_total_seconds(self, value),
            Kind::Number => number::write_number(self, value),
            Kind::Display => self.string(value.str()?.as_any().as_borrowed()),
            Kind::Enum => self.made(&value.getattr(intern!(py, "value"))?),
            Kind::Pattern => self.made(&value.getattr(intern!(py, "pattern"))?),
            Kind::Iterable => self.iterable(value),
            Kind::Items => self.items(value),
            Kind::Dataclass(fields) => self.fields(value, &fields),
            Kind::Model => self.model(value),
            Kind::ModelDump => self.model_dump(value),
            Kind::Struct => self.structure(value),
            Kind::Object => self.any(value),
            Kind::Vars => self.vars(value, None),
        }
    }

    /// Writes what Python code has just made out of a value.
    pub(super) fn made(&mut self, value: &Bound<'py, PyAny>) -> Written {
        self.value(value.as_borrowed())
    }

    #[inline(never)]
    fn bytes(&mut self, value: &Bound<'py, PyAny>) -> Written {
        let bytes = value.cast::<PyBytes>().map_err(PyErr::from)?;
        match str::from_utf8(bytes.as_bytes()) {
            Ok(text) => self.quoted(Text::Utf8(text)),
            Err(_) => self.made(&bytes.call_method0(intern!(self.py, "decode"))?),
        }
    }

    #[inline(never)]
    fn iterable(&mut self, value: &Bound<'py, PyAny>) -> Written {
        self.json.begin_array();
        for item in value.try_iter()? {
            self.made(&item?)?;
        }
        self.json.end_array();
        Ok(())
    }

    #[inline(never)]
    fn items(&mut self, value: &Bound<'py, PyAny>) -> Written {
        self.json.begin_object();
        for pair in value.call_method0(intern!(self.py, "items"))?.try_iter()? {
            let (key, value) = pair?.extract::<(Bound<'py, PyAny>, Bound<'py, PyAny>)>()?;
            self.pair(&key, &value)?;
        }
        self.json.end_object();
        Ok(())
    }

    /// Writes a key of any type, and its value.
    #[inline(never)]
    pub(super) fn pair(&mut self, key: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> Written {
        let mark = self.json.begin_key();
        self.made(key)?;
        if let Ok(name) = key.cast::<PyString>()
            && name.to_string_lossy().starts_with(HIDDEN)
        {
            self.json.drop_key(mark);
            return Ok(());
        }
        if !self.json.end_key(mark) {
            return Err(Failure::from(PyTypeError::new_err(format!(
                "keys must be str, int, float, bool or None, not {}",
                key.get_type().name()?
            ))));
        }
        self.made(value)
    }

    #[inline(never)]
    fn fields(&mut self, value: &Bound<'py, PyAny>, fields: &Fields) -> Written {
        self.json.begin_object();
        for name in &fields.0 {
            let name = name.bind(self.py);
            let field = value.getattr(name)?;
            self.key(name.as_any().as_borrowed())?;
            self.made(&field)?;
        }
        self.json.end_object();
        Ok(())
    }

    #[inline(never)]
    fn model(&mut self, value: &Bound<'py, PyAny>) -> Written {
        let py = self.py;
        let serializer = value.getattr(intern!(py, "__pydantic_serializer__"))?;
        let options = PyDict::new(py);
        options.set_item(intern!(py, "by_alias"), true)?;
        let json = serializer.call_method(intern!(py, "to_json"), (value,), Some(&options))?;
        self.encoded(&json)
    }

    #[inline(never)]
    fn model_dump(&mut self, value: &Bound<'py, PyAny>) -> Written {
        let py = self.py;
        let options = PyDict::new(py);
        options.set_item(intern!(py, "mode"), intern!(py, "json"))?;
        options.set_item(intern!(py, "by_alias"), true)?;
        self.made(&value.call_method(intern!(py, "model_dump"), (), Some(&options))?)
    }

    #[inline(never)]
    fn structure(&mut self, value: &Bound<'py, PyAny>) -> Written {
        let py = self.py;
        let msgspec = py.import(intern!(py, "msgspec.json"))?;
        self.encoded(&msgspec.call_method1(intern!(py, "encode"), (value,))?)
    }

    /// Writes a document that another encoder has made.
    fn encoded(&mut self, json: &Bound<'py, PyAny>) -> Written {
        self.json.raw(json.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes());
        Ok(())
    }

    #[inline(never)]
    fn any(&mut self, value: &Bound<'py, PyAny>) -> Written {
        match PyDict::type_object(self.py).call1((value,)) {
            Ok(dict) => self.dict(&dict),
            Err(error) if error.is_instance_of::<PyException>(self.py) => {
                self.vars(value, Some(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    #[inline(never)]
    fn vars(&mut self, value: &Bound<'py, PyAny>, cause: Option<PyErr>) -> Written {
        if let Some(vars) = value.getattr_opt(intern!(self.py, "__dict__"))? {
            return if vars.is_exact_instance_of::<PyDict>() {
                self.dict(&vars)
            } else {
                self.made(&vars)
            };
        }
        let class = value.get_type();
        let error = PyTypeError::new_err(format!(
            "Object of type {} is not JSON serializable",
            class.name()?
        ));
        error.set_cause(self.py, cause);
        Err(error.into())
    }
}
