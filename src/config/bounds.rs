//! How much a YAML file may hold, looked at before a tree is made of it.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_yaml::Error;

/// How much a tree may hold, in bytes of its texts and so many for each value. An alias (`*name`) counts as what it
/// stands for: a few lines of them can stand for more than any memory holds.
const MOST: usize = 32 << 20;
/// What a value counts without its text.
const VALUE: usize = 32;

/// How many brackets may be open at once. The parser takes fewer, but only after it has read the whole file, and the more
/// are open the longer it reads.
const DEEPEST: usize = 1000;

/// Fails if a YAML text holds too much, or is not YAML.
pub fn check_yaml(text: &str) -> Result<(), Error> {
    let mut open = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > DEEPEST {
            return Err(Error::custom("its lists and objects nest too deep"));
        }
    }
    let left = Cell::new(MOST);
    Measure(&left).deserialize(serde_yaml::Deserializer::from_str(text))
}

/// Goes through a value and keeps nothing of it.
#[derive(Clone, Copy)]
struct Measure<'a>(&'a Cell<usize>);

impl Measure<'_> {
    fn take<E: serde::de::Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(bytes.saturating_add(VALUE));
        left.map(|left| self.0.set(left)).ok_or_else(|| E::custom("it holds too much"))
    }
}

impl<'de> DeserializeSeed<'de> for Measure<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Measure<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.take(0)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<(), E> {
        self.take(0)
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<(), E> {
        self.take(0)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.take(text.len())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.take(0)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.take(0)
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.take(0)?;
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.take(0)?;
        while entries.next_key_seed(self)?.is_some() {
            entries.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let (Tag, value) = tagged.variant()?;
        value.newtype_variant_seed(self)
    }
}

/// The name of a tag, of which nothing is kept.
struct Tag;

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(serde::de::IgnoredAny).map(|_| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_yaml_can_say_is_measured() {
        for text in [
            "",
            "# nothing\n",
            "~",
            "a: [1, -1, 0x1f, 1.5, .nan, true, ~]\n",
            "a: !tag 5\nb: !tag { c: !other [d] }\n? [complex, key]\n: value\n",
            "a: &a { b: c }\nd:\n  <<: *a\n",
            "a: |\n  text\nb: >\n  text\n",
        ] {
            let read = serde_yaml::from_str::<serde_yaml::Value>(text).map(|_| ()).map_err(|error| error.to_string());
            assert_eq!(check_yaml(text).map_err(|error| error.to_string()), read, "{text}");
        }
    }
}
