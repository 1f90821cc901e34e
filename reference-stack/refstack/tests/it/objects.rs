//! What every object store must do.

use bytes::Bytes;
use refstack::adapters::embedded::objects::FileObjects;
use refstack::ports::PortError;
use refstack::ports::objects::Objects;

use crate::support::s3::{Moto, S3s};

async fn check(objects: &dyn Objects) {
    let key = objects.put("results/one.json", Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(objects.get(&key).await.unwrap(), Bytes::from_static(b"{}"));
    // Nothing, a little, more than one part of any store, and names as ids make them.
    for (name, bytes) in [("studies/empty", 0), ("studies/small", 3), ("batches/01a1-7f52/12", 20_000_000)] {
        let pieces = 7;
        let whole: Bytes = (0..bytes).map(|index| u8::try_from(index % 251).unwrap()).collect();
        let mut upload = objects.begin(name).await.unwrap();
        for piece in whole.chunks((bytes / pieces).max(1)) {
            upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let key = upload.finish().await.unwrap();
        assert!(objects.get(&key).await.unwrap() == whole, "{name}");
    }
    let mut abandoned = objects.begin("studies/abandoned").await.unwrap();
    abandoned.write(Bytes::from(vec![1; 300_000])).await.unwrap();
    drop(abandoned);
    let abandoned = key.replace("results/one.json", "studies/abandoned");
    assert!(matches!(objects.get(&abandoned).await, Err(PortError::Missing { .. })));
    objects.delete(&key).await.unwrap();
    objects.delete(&key).await.unwrap();
    assert!(matches!(objects.get(&key).await, Err(PortError::Missing { .. })));
}

#[tokio::test]
async fn files_keep_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    check(&FileObjects::open(dir.path()).unwrap()).await;
}

#[tokio::test]
async fn s3s_keeps_the_contract_and_checks_who_asks() {
    let (server, spool) = (S3s::start().await, tempfile::tempdir().unwrap());
    check(&server.objects(spool.path())).await;
    assert!(!server.names().contains(&"abandoned".to_owned()), "{:?}", server.names());
    let refused = server.objects_with_a_wrong_secret(spool.path()).put("a", Bytes::new()).await;
    assert!(matches!(refused, Err(PortError::Unavailable { .. })), "{refused:?}");
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn moto_keeps_the_contract() {
    let Some(server) = Moto::start().await else { return };
    let spool = tempfile::tempdir().unwrap();
    check(&server.objects(spool.path())).await;
}
