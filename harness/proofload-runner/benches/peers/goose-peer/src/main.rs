//! The smallest load that Goose can make: every user asks for `/hello` again and again and reads the whole answer.
//! All of Goose's own options work; `peers.py` gives `--host`, `--users`, `--run-time` and `--no-telnet`.

use goose::prelude::*;

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    let metrics = GooseAttack::initialize()?
        .register_scenario(scenario!("small-gets").register_transaction(transaction!(hello)))
        .execute()
        .await?;
    let answered: usize = metrics.requests.values().map(|request| request.success_count).sum();
    println!("answered {answered}");
    Ok(())
}

/// One GET. The body is read, as every other peer reads it, and so that the connection can be used again.
async fn hello(user: &mut GooseUser) -> TransactionResult {
    let answer = user.get("/hello").await?;
    if let Ok(response) = answer.response {
        // A broken body counts as nothing here: the server's own count is what is compared.
        let _ = response.bytes().await;
    }
    Ok(())
}
