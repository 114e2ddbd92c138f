//! Reading through layers against a plain sorted map, in both directions.

use crate::{
    Order,
    engine::{Engine, Memory},
    layer::{Changes, Layers, Map, behind, bounds},
    sled_engine::Sled,
};
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;

type Steps = Vec<(Vec<u8>, Option<u8>)>;

fn steps() -> impl Strategy<Value = Steps> {
    proptest::collection::vec((proptest::collection::vec(0u8..4, 0..4), proptest::option::of(any::<u8>())), 0..24)
}

fn changes(steps: &Steps) -> Changes {
    let pairs =
        steps.iter().map(|(key, value)| (Bytes::from(key.clone()), value.map(|value| Bytes::from(vec![value]))));
    pairs.collect()
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    let key = proptest::collection::vec(0u8..4, 0..4);
    (0..3, key).prop_map(|(kind, key)| match kind {
        0 => Bound::Included(key),
        1 => Bound::Excluded(key),
        _ => Bound::Unbounded,
    })
}

fn compare(
    engine: &dyn Engine,
    all: &[Steps; 5],
    low: &Bound<Vec<u8>>,
    high: &Bound<Vec<u8>>,
) -> Result<(), TestCaseError> {
    let [kept, frozen, active, group, overlay] = all.each_ref().map(changes);
    engine.apply(&mut kept.iter()).unwrap();
    let (frozen, active): (Map, Map) = (frozen.into_iter().collect(), active.into_iter().collect());
    let layers =
        Layers { fresh: [Some(&overlay), Some(&group)], maps: [Some(&active), Some(&frozen)], engine, cache: None };
    let mut model: BTreeMap<Vec<u8>, u8> = BTreeMap::new();
    for (key, value) in all.iter().flatten() {
        match value {
            Some(value) => model.insert(key.clone(), *value),
            None => model.remove(key),
        };
    }
    let inside = |key: &Vec<u8>| {
        let above = match low {
            Bound::Included(low) => key >= low,
            Bound::Excluded(low) => key > low,
            Bound::Unbounded => true,
        };
        let below = match high {
            Bound::Included(high) => key <= high,
            Bound::Excluded(high) => key < high,
            Bound::Unbounded => true,
        };
        above && below
    };
    let expected: Vec<(Vec<u8>, u8)> =
        model.iter().filter(|(key, _)| inside(key)).map(|(key, value)| (key.clone(), *value)).collect();
    let range = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
    let read =
        |order| layers.range(range, order).map(|kept| kept.map(|(key, value)| (key.to_vec(), value[0])).unwrap());
    prop_assert_eq!(read(Order::Ascending).collect::<Vec<_>>(), expected.clone());
    prop_assert_eq!(read(Order::Descending).collect::<Vec<_>>(), expected.into_iter().rev().collect::<Vec<_>>());
    for key in all.iter().flatten().map(|(key, _)| key) {
        prop_assert_eq!(layers.get(key).unwrap().map(|value| value[0]), model.get(key).copied());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn memory_and_layers_read_as_one_map(all in [steps(), steps(), steps(), steps(), steps()], low in bound(), high in bound()) {
        compare(&Memory::default(), &all, &low, &high)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 25, ..ProptestConfig::default() })]
    #[test]
    fn sled_and_layers_read_as_one_map(all in [steps(), steps(), steps(), steps(), steps()], low in bound(), high in bound()) {
        let folder = tempfile::tempdir().unwrap();
        compare(&Sled::open(&folder.path().join("engine"), 1 << 20).unwrap(), &all, &low, &high)?;
    }
}

#[test]
fn a_prefix_covers_its_keys_and_no_others() {
    assert_eq!(behind(&[1, 2]), Some(vec![1, 3]));
    assert_eq!(behind(&[1, 255]), Some(vec![2]));
    assert_eq!(behind(&[255, 255]), None);
    let end = behind(&[1]);
    let range = bounds(&[1], end.as_deref(), Some(&[1, 5]), Order::Descending);
    assert_eq!(range, (Bound::Included(&[1][..]), Bound::Excluded(&[1, 5][..])));
    let range = bounds(&[1], end.as_deref(), Some(&[0, 5]), Order::Ascending);
    assert_eq!(range, (Bound::Included(&[1][..]), Bound::Excluded(&[2][..])));
    let range = bounds(&[1], end.as_deref(), Some(&[3]), Order::Descending);
    assert_eq!(range, (Bound::Included(&[1][..]), Bound::Excluded(&[2][..])));
}
