//! The servers and accounts of the conversation. The driver, scripts/rust-sdk.ts, holds them, and is asked through the standard
//! output: a line `ask WORDS`, which it answers by one line of JSON on the standard input.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result};
use matrix_sdk::{reqwest::Certificate, ruma::OwnedUserId};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines, Stdin, stdin},
    sync::Mutex,
};

pub struct World {
    authority: Certificate,
    folder: PathBuf,
    folders: AtomicUsize,
    answers: Mutex<Lines<BufReader<Stdin>>>,
}

/// An account that was made for one chapter.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub url: String,
    pub user_id: OwnedUserId,
    pub password: String,
}

#[derive(Clone, Copy)]
pub enum Server {
    One,
    Two,
}

impl World {
    /// `authority`: the file of the certificate that those of the servers are signed by; `folder`: for what devices keep.
    pub fn new(authority: &str, folder: &str) -> Result<Self> {
        let pem = fs::read(authority).with_context(|| format!("no certificate at {authority}"))?;
        Ok(Self {
            authority: Certificate::from_pem(&pem)?,
            folder: folder.into(),
            folders: AtomicUsize::new(0),
            answers: Mutex::new(BufReader::new(stdin()).lines()),
        })
    }

    pub fn authority(&self) -> Certificate {
        self.authority.clone()
    }

    /// For the files of one more device.
    pub fn new_folder(&self) -> PathBuf {
        self.folder.join(self.folders.fetch_add(1, Ordering::Relaxed).to_string())
    }

    pub async fn account(&self, localpart: &str) -> Result<Account> {
        self.account_on(Server::One, localpart).await
    }

    pub async fn account_on(&self, server: Server, localpart: &str) -> Result<Account> {
        let name = match server {
            Server::One => "one",
            Server::Two => "two",
        };
        self.ask(&format!("account {name} {localpart}")).await
    }

    /// Ends the first server as an admin does.
    pub async fn stop_server(&self) -> Result<()> {
        self.ask("stop").await
    }

    /// Ends the first server as a crash does.
    pub async fn kill_server(&self) -> Result<()> {
        self.ask("kill").await
    }

    /// Starts the first server again.
    pub async fn start_server(&self) -> Result<()> {
        self.ask("start").await
    }

    async fn ask<T: DeserializeOwned>(&self, question: &str) -> Result<T> {
        let mut answers = self.answers.lock().await;
        println!("ask {question}");
        let answer = answers.next_line().await?.context("the driver is gone")?;
        Ok(serde_json::from_str(&answer)?)
    }
}
