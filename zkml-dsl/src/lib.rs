//! What a user of zkml depends on.
