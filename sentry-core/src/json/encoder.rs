//! Anything that serde knows, as JSON.
//!
//! The same bytes as `serde_json` writes, for a third of the instructions: texts are copied in runs, and writing to memory
//! cannot fail.

use std::fmt::{self, Display};

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Error, Result};

use super::{is_plain, part, signed, text, unsigned};

/// Writes `value` behind what is in `out`.
///
/// # Errors
/// Where `value` cannot be written as JSON, as a map whose keys are no texts. A part of it may have been written then.
pub(crate) fn encode<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<()> {
    value.serialize(&mut Encoder { out, is_verbatim: false })
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    /// The next text is JSON already.
    is_verbatim: bool,
}

/// What begins the names of the structs by which `serde_json` passes its own types on: numbers of any precision, if a feature
/// of it is on, and JSON as it is.
const VERBATIM: &str = "$serde_json::private::";

impl<'e, 'a> Encoder<'a> {
    #[inline]
    fn put(&mut self, json: &[u8]) -> Result<()> {
        self.out.extend_from_slice(json);
        Ok(())
    }

    #[inline]
    fn open(&'e mut self, start: u8, end: &'static [u8]) -> Result<Parts<'e, 'a>> {
        self.out.push(start);
        Ok(Parts { encoder: self, is_first: true, end })
    }

    /// `{"variant":`
    fn variant(&mut self, variant: &str) {
        self.out.push(b'{');
        text(self.out, variant);
        self.out.push(b':');
    }
}

/// The parts of an array or of an object.
struct Parts<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    is_first: bool,
    end: &'static [u8],
}

impl Parts<'_, '_> {
    #[inline]
    fn comma(&mut self) {
        if !self.is_first {
            self.encoder.out.push(b',');
        }
        self.is_first = false;
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.comma();
        value.serialize(&mut *self.encoder)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        if !self.encoder.is_verbatim {
            self.comma();
            // The names of the protocol: there is nothing in them to escape.
            debug_assert!(is_plain(key.as_bytes()), "{key:?}");
            self.encoder.out.push(b'"');
            self.encoder.out.extend_from_slice(key.as_bytes());
            self.encoder.out.extend_from_slice(b"\":");
        }
        value.serialize(&mut *self.encoder)
    }

    #[inline]
    fn close(self) -> Result<()> {
        self.encoder.is_verbatim = false;
        self.encoder.put(self.end)
    }
}

macro_rules! numbers {
    ($($name:ident($number:ty) => $write:expr;)*) => {
        $(fn $name(self, number: $number) -> Result<()> {
            $write(self.out, number.into());
            Ok(())
        })*
    };
}

impl<'e, 'a> Serializer for &'e mut Encoder<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'e, 'a>;
    type SerializeTuple = Parts<'e, 'a>;
    type SerializeTupleStruct = Parts<'e, 'a>;
    type SerializeTupleVariant = Parts<'e, 'a>;
    type SerializeMap = Parts<'e, 'a>;
    type SerializeStruct = Parts<'e, 'a>;
    type SerializeStructVariant = Parts<'e, 'a>;

    numbers! {
        serialize_i8(i8) => signed;
        serialize_i16(i16) => signed;
        serialize_i32(i32) => signed;
        serialize_i64(i64) => signed;
        serialize_u8(u8) => unsigned;
        serialize_u16(u16) => unsigned;
        serialize_u32(u32) => unsigned;
        serialize_u64(u64) => unsigned;
    }

    fn serialize_i128(self, number: i128) -> Result<()> {
        serde_json::to_writer(&mut *self.out, &number)
    }

    fn serialize_u128(self, number: u128) -> Result<()> {
        serde_json::to_writer(&mut *self.out, &number)
    }

    fn serialize_f32(self, number: f32) -> Result<()> {
        serde_json::to_writer(&mut *self.out, &number)
    }

    fn serialize_f64(self, number: f64) -> Result<()> {
        serde_json::to_writer(&mut *self.out, &number)
    }

    fn serialize_bool(self, value: bool) -> Result<()> {
        self.put(if value { b"true" } else { b"false" })
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<()> {
        if self.is_verbatim {
            return self.put(value.as_bytes());
        }
        text(self.out, value);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<()> {
        self.out.push(b'"');
        fmt::Write::write_fmt(&mut Escaped(self.out), format_args!("{value}")).map_err(Error::custom)?;
        self.put(b"\"")
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.put(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.variant(variant);
        value.serialize(&mut *self)?;
        self.put(b"}")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'e, 'a>> {
        self.open(b'[', b"]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'e, 'a>> {
        self.open(b'[', b"]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'e, 'a>> {
        self.open(b'[', b"]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'e, 'a>> {
        self.variant(variant);
        self.open(b'[', b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'e, 'a>> {
        self.open(b'{', b"}")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'e, 'a>> {
        if name.starts_with(VERBATIM) {
            self.is_verbatim = true;
            return Ok(Parts { encoder: self, is_first: true, end: b"" });
        }
        self.open(b'{', b"}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'e, 'a>> {
        self.variant(variant);
        self.open(b'{', b"}}")
    }
}

impl SerializeSeq for Parts<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeTuple for Parts<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeTupleStruct for Parts<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeTupleVariant for Parts<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeMap for Parts<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.comma();
        let start = self.encoder.out.len();
        key.serialize(&mut *self.encoder)?;
        match self.encoder.out.get(start) {
            Some(b'"') => Ok(()),
            // A number, `true` or `false` is its own name.
            Some(b'0'..=b'9' | b'-' | b't' | b'f') => {
                self.encoder.out.insert(start, b'"');
                self.encoder.put(b"\"")
            }
            _ => Err(Error::custom("a key must be a text")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.encoder.out.push(b':');
        value.serialize(&mut *self.encoder)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeStruct for Parts<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.field(key, value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeStructVariant for Parts<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.field(key, value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

/// A text that is written in pieces.
struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        part(self.0, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;

    fn is_what_serde_json_writes<T: Serialize>(value: T) {
        let mut out = Vec::new();
        encode(&mut out, &value).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&value).unwrap());
    }

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Newtype(&'static str);

    #[derive(Serialize)]
    struct Pair(u8, f32);

    #[derive(Serialize)]
    enum Choice {
        Unit,
        Newtype(Option<i8>),
        Tuple(i16, u16),
        Struct { a: i32, b: u32 },
    }

    #[derive(Serialize)]
    struct Everything {
        name: char,
        unit: Unit,
        newtype: Newtype,
        pair: Pair,
        choices: Vec<Choice>,
        tuple: (bool, (), Option<u8>),
        #[serde(flatten)]
        flat: BTreeMap<String, Value>,
    }

    #[test]
    fn all_that_serde_knows_is_written_as_serde_json_does() {
        is_what_serde_json_writes(Everything {
            name: '"',
            unit: Unit,
            newtype: Newtype("a\u{1f}b\u{7f}\u{2028}"),
            pair: Pair(7, 0.1),
            choices: vec![
                Choice::Unit,
                Choice::Newtype(None),
                Choice::Newtype(Some(-1)),
                Choice::Tuple(i16::MIN, u16::MAX),
                Choice::Struct { a: i32::MIN, b: u32::MAX },
            ],
            tuple: (true, (), None),
            flat: [("x".to_owned(), json!({"y": [1, -2, 3.5, 1e300, null, "z\n"], "": {}, "e": []}))].into(),
        });
        is_what_serde_json_writes((i64::MIN, u64::MAX, i128::MIN, u128::MAX, f64::NAN, f32::INFINITY, -0.0));
        is_what_serde_json_writes(format_args!("{}\"{}", 1, 'x'));
        is_what_serde_json_writes(BTreeMap::from([(1_u8, 'a'), (20, 'b')]));
        is_what_serde_json_writes(BTreeMap::from([(-1_i64, 'a')]));
        is_what_serde_json_writes(BTreeMap::from([(true, 'a'), (false, 'b')]));
        is_what_serde_json_writes(BTreeMap::from([('c', Unit)]));
    }

    #[test]
    fn what_has_no_json_is_an_error() {
        struct Failing;
        impl Serialize for Failing {
            fn serialize<S: Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
                Err(S::Error::custom("by the test"))
            }
        }
        assert!(encode(&mut Vec::new(), &[Failing]).is_err());
        assert!(encode(&mut Vec::new(), &BTreeMap::from([(vec![1], 1)])).is_err());
        assert!(encode(&mut Vec::new(), &BTreeMap::from([((), 1)])).is_err());
    }

    #[test]
    fn json_that_serde_json_passes_on_stays_as_it_is() {
        struct Number;
        impl Serialize for Number {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let mut number = serializer.serialize_struct("$serde_json::private::Number", 1)?;
                number.serialize_field("$serde_json::private::Number", "12345678901234567890123.5")?;
                number.end()
            }
        }
        let mut out = Vec::new();
        encode(&mut out, &[(Number, "text")]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#"[[12345678901234567890123.5,"text"]]"#);
    }
}
