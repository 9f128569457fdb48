//! What this process holds open to the network, as the system lists it.

use super::Section;

/// Every socket of a network protocol stands in one of these, with its inode in the tenth column (proc_pid_net(5)).
const NETWORK_TABLES: &[&str] = &["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6"];
const INODE_COLUMN: usize = 9;

pub(super) fn section(process: Option<u32>) -> Section {
    let mut section = Section::new("sockets");
    let process = process.map_or("self".to_owned(), |id| id.to_string());
    match open_sockets(&process) {
        None => section.line("open", "this system does not tell"),
        Some(inodes) => {
            let tables: Vec<(&str, String)> = NETWORK_TABLES.iter().filter_map(|name| Some((*name, table(&process, name)?))).collect();
            let network: Vec<&str> = inodes.iter().filter_map(|inode| protocol(inode, &tables)).collect();
            section.line("network", if network.is_empty() { "none".to_owned() } else { network.join(", ") });
            // The thread that takes signals wakes up through a pair of these.
            section.line("local", inodes.len() - network.len());
        }
    }
    section.line("can connect", "no: this version has no code that opens a connection");
    section
}

fn open_sockets(process: &str) -> Option<Vec<String>> {
    let descriptors = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let targets = descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let inode = |target: std::path::PathBuf| {
        let text = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        Some(text.to_owned())
    };
    Some(targets.filter_map(inode).collect())
}

fn table(process: &str, name: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{process}/net/{name}")).ok()
}

fn protocol<'a>(inode: &str, tables: &[(&'a str, String)]) -> Option<&'a str> {
    let holds = |table: &str| table.lines().any(|line| line.split_whitespace().nth(INODE_COLUMN) == Some(inode));
    tables.iter().find(|(_, table)| holds(table)).map(|(name, _)| *name)
}
