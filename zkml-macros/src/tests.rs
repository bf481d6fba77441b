#[test]
fn placeholder(){}
