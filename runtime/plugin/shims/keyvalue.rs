//! `wasi:keyvalue`: buckets are the two kinds of state that a rule has.

use wasmtime::component::Resource;

use super::bindings::wasi::keyvalue::store::{Error, Host, HostBucket, KeyResponse};
use super::bindings::wasi::keyvalue::{atomics, batch};
use crate::plugin::interfaces::Call;
use crate::plugin::staged_state::{Page, StateError};

/// Which state.
#[derive(Clone, Copy, Debug)]
pub enum Bucket {
    Device,
    Shared,
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Call {
    fn bucket(&self, bucket: &Resource<Bucket>) -> wasmtime::Result<Bucket> {
        Ok(*self.drafts.get(bucket)?)
    }

    fn read(&mut self, bucket: Bucket, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        match bucket {
            Bucket::Device => self.state.get(key),
            Bucket::Shared => self.shared.get(key),
        }
    }

    fn write(&mut self, bucket: Bucket, key: &str, value: Option<Vec<u8>>) -> Result<(), StateError> {
        match (bucket, value) {
            (Bucket::Device, Some(value)) => self.state.set(key, value),
            (Bucket::Device, None) => self.state.delete(key),
            (Bucket::Shared, Some(value)) => self.shared.set(key, value),
            (Bucket::Shared, None) => self.shared.delete(key),
        }
    }

    fn page(&mut self, bucket: Bucket, cursor: Option<&str>) -> Result<Page, StateError> {
        match bucket {
            Bucket::Device => self.state.list("", cursor),
            Bucket::Shared => self.shared.list("", cursor),
        }
    }
}

fn other(error: StateError) -> Error {
    Error::Other(error.to_string())
}

impl Host for Call {
    fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        let bucket = match &*identifier {
            "" | "default" | "device" => Bucket::Device,
            "shared" => Bucket::Shared,
            _ => return Ok(Err(Error::NoSuchStore)),
        };
        Ok(Ok(self.drafts.push(bucket)?))
    }
}

impl HostBucket for Call {
    fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.read(bucket, &key).map_err(other))
    }

    fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.write(bucket, &key, Some(value)).map_err(other))
    }

    fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<()> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.write(bucket, &key, None).map_err(other))
    }

    fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<bool> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.read(bucket, &key).map(|value| value.is_some()).map_err(other))
    }

    /// The cursor is how many keys were listed; pages before are read again.
    fn list_keys(&mut self, bucket: Resource<Bucket>, cursor: Option<u64>) -> Answer<KeyResponse> {
        let bucket = self.bucket(&bucket)?;
        let (wanted, mut listed, mut after) = (cursor.unwrap_or_default(), 0, None::<String>);
        loop {
            let (keys, next) = match self.page(bucket, after.as_deref()) {
                Ok(page) => page,
                Err(error) => return Ok(Err(other(error))),
            };
            let end = listed + keys.len() as u64;
            if end > wanted || next.is_none() {
                let skipped = usize::try_from(wanted.saturating_sub(listed)).unwrap_or(usize::MAX);
                let keys = keys.into_iter().skip(skipped).collect();
                return Ok(Ok(KeyResponse { keys, cursor: next.map(|_| end) }));
            }
            (listed, after) = (end, next);
        }
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.drafts.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Call {
    /// Of what all devices share, the sum is only right if nobody else wrote it meanwhile; if somebody did, the call runs again.
    fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: u64) -> Answer<u64> {
        let bucket = self.bucket(&bucket)?;
        let Ok(delta) = i64::try_from(delta) else { return Ok(Err(Error::Other("the sum does not fit".to_owned()))) };
        let sum = match bucket {
            Bucket::Device => self.state.increment(&key, delta),
            Bucket::Shared => self.shared.add(&key, delta).and_then(|()| {
                let sum = self.shared.get(&key)?.unwrap_or_default();
                sum.try_into().map(i64::from_le_bytes).map_err(|_| StateError::NotAnInteger)
            }),
        };
        Ok(sum.map(|sum| sum as u64).map_err(other))
    }
}

impl batch::Host for Call {
    fn get_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
        let bucket = self.bucket(&bucket)?;
        let read = |key: String| Ok(self.read(bucket, &key)?.map(|value| (key, value)));
        Ok(keys.into_iter().map(read).collect::<Result<_, _>>().map_err(other))
    }

    fn set_many(&mut self, bucket: Resource<Bucket>, key_values: Vec<(String, Vec<u8>)>) -> Answer<()> {
        let bucket = self.bucket(&bucket)?;
        let mut write = |(key, value): (String, Vec<u8>)| self.write(bucket, &key, Some(value));
        Ok(key_values.into_iter().try_for_each(&mut write).map_err(other))
    }

    fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
        let bucket = self.bucket(&bucket)?;
        Ok(keys.into_iter().try_for_each(|key| self.write(bucket, &key, None)).map_err(other))
    }
}
