//! The reverse tunnel through a real SSH server of this machine: what is reached through it, and that it comes back whatever happens to it.

use crate::hall::{Client, Hall, event};
use crate::merchant::routes;
use gateway::ssh::standin::{Server, free_port};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A hall with a tunnel that is up, and the server that it goes to.
struct Far {
    server: Server,
    port: u16,
    admin: Client,
    hall: Hall,
    _folder: tempfile::TempDir,
}

fn revision(page: &str) -> String {
    page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

impl Far {
    /// A hall that is set up, with settings of a tunnel to a server that knows nothing of it yet.
    fn begun() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder.path().join("ssh"), "").unwrap();
        let hall = Hall::fresh();
        let admin = hall.set_up();
        let port = free_port().unwrap();
        let far = Self { server, port, admin, hall, _folder: folder };
        assert_eq!(far.save(&[]).status, 303);
        far
    }

    /// A hall whose tunnel is up.
    fn up() -> Self {
        let far = Self::begun();
        far.let_in();
        far.wait("尚未认可服务器的主机密钥", false);
        far.accept();
        far.wait("已连接", true);
        far
    }

    /// Whoever comes through the tunnel, by a connection of their own.
    fn outside(&self) -> Client {
        self.hall.client().at(&format!("http://127.0.0.1:{}", self.port))
    }

    fn page(&self) -> String {
        let page = self.admin.get("/admin/tunnel");
        assert_eq!(page.status, 200, "{}", page.body);
        page.body
    }

    fn save(&self, more: &[(&str, &str)]) -> crate::hall::Answer {
        let (at, of) = (self.server.address, revision(&self.page()));
        let (ssh, port, user) = (at.port().to_string(), self.port.to_string(), Server::user().unwrap());
        let base = self.outside().base;
        let mut form = vec![
            ("on", "on"),
            ("host", "127.0.0.1"),
            ("port", ssh.as_str()),
            ("user", user.as_str()),
            ("bind", "127.0.0.1"),
            ("bind_port", port.as_str()),
            ("base", base.as_str()),
            ("revision", of.as_str()),
        ];
        form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        form.extend_from_slice(more);
        self.admin.post("/admin/tunnel", &form)
    }

    /// Tells the server of the box's key, by the line that the page shows.
    fn let_in(&self) {
        let page = self.page();
        let line = page.split("data-copy=\"").nth(1).unwrap().split('"').next().unwrap().replace("&quot;", "\"");
        assert!(line.starts_with("restrict,port-forwarding,permitlisten=\"127.0.0.1:"), "{line}");
        self.server.authorize(&line).unwrap();
    }

    /// Accepts the host key that the page shows, which must be the server's.
    fn accept(&self) {
        let (page, shown) = (self.page(), self.server.fingerprint().unwrap());
        assert!(page.contains(&shown), "{shown} in {page}");
        let answer = self
            .admin
            .post("/admin/tunnel/accept", &[("fingerprint", shown.as_str()), ("revision", revision(&page).as_str())]);
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    /// Waits until the page says so, with a press on the button that tries again as somebody would who waits.
    fn wait(&self, words: &str, pressing: bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let page = self.page();
            if page.contains(words) {
                return;
            }
            assert!(Instant::now() < until, "{words} in {page}\n{}", self.server.log());
            if pressing {
                assert_eq!(self.admin.post("/admin/tunnel/retry", &[]).status, 303);
            }
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }

    /// Asks for the first page through the tunnel; whether it came.
    fn is_reached(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: hall\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200"))
    }

    /// Waits until something comes through: a tunnel that was just cut may look as if it were up.
    fn reached(&self) {
        let until = Instant::now() + PATIENCE;
        while !self.is_reached().unwrap_or(false) {
            assert!(Instant::now() < until, "{}", self.page());
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Many at a time, each of whom gets what they asked for.
    fn crowd(&self, people: usize, each: usize) {
        let everybody: Vec<Client> = (0..people).map(|_| self.outside()).collect();
        std::thread::scope(|scope| {
            for one in &everybody {
                scope.spawn(move || {
                    for _ in 0..each {
                        let answer = one.get("/api/v1/events");
                        assert_eq!(answer.status, 200, "{}", answer.body);
                    }
                });
            }
        });
    }
}

/// What of the router is for staff, terminals and the box's own network. Whatever is not below one of these is for everybody.
const CLOSED: &[&str] =
    &["/admin", "/login", "/logout", "/setup", "/root", "/root.crt", "/root.mobileconfig", "/terminal", "/helper"];

#[test]
fn every_route_is_either_for_everybody_or_for_staff() {
    for (path, _) in routes() {
        let is_under = |closed: &&str| path == **closed || path.starts_with(&format!("{closed}/"));
        // The file by which a domain is proved to WeChat is the only one at the root.
        let asked = if path == "/{file}" { "/MP_verify_a.txt".to_owned() } else { path.replace(['{', '}', '*'], "") };
        let (open, closed) = (domain::tunnel::is_open(&asked), CLOSED.iter().any(is_under));
        assert!(open != closed, "{path}: say in `domain/tunnel` or here for whom it is (open {open}, closed {closed})");
    }
}

#[test]
fn the_public_parts_are_reached_through_the_tunnel_and_staff_only_when_allowed() {
    let far = Far::begun();
    let id = event(&far.admin, "年会");
    // Nobody accepted the host key: nothing is forwarded, and the box says what is to be done.
    far.wait("尚未认可服务器的主机密钥", false);
    let told = far.admin.get("/admin/status.json").json();
    let line = told["lines"].as_array().unwrap().iter().find(|line| line["check"] == "tunnel").unwrap().clone();
    assert_eq!(line["level"].as_str(), Some("bad"), "{line}");
    let wrong = [("fingerprint", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"), ("revision", "1")];
    assert_eq!(far.admin.post("/admin/tunnel/accept", &wrong).status, 303);
    assert!(far.page().contains("尚未认可服务器的主机密钥"), "another fingerprint than the server's is not accepted");
    far.accept();
    far.wait("服务器不允许本机登录", false);
    assert!(TcpStream::connect(("127.0.0.1", far.port)).is_err());
    far.let_in();
    far.wait("已连接", true);
    far.reached();
    for path in ["/", &format!("/event/{id}"), "/asset/app.css", "/api/v1/events", "/my/login", "/certificate"] {
        assert_eq!(far.outside().get(path).status, 200, "{path}");
    }
    for path in
        ["/admin", "/login", "/setup", "/terminal", "/helper", "/root", "/admin/status.json", "/nothing", "/%61dmin"]
    {
        let answer = far.outside().get(path);
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert!(answer.body.contains("不能从公网访问"), "{path}: {}", answer.body);
    }
    assert_eq!(far.outside().post("/login", &[("login", "admin"), ("password", "x")]).status, 403);
    // Links are of the public address, whatever a request names as its host.
    let page = far.outside().with("/api", &[("x-forwarded-host", "evil.example")]);
    assert!(!page.body.contains("evil.example"));
    assert_eq!(far.hall.client().get("/login").status, 200, "in the house everything is as it was");
    let before = far.page();
    assert!(before.contains("当前连接"), "{before}");
    assert_eq!(far.save(&[("staff", "on")]).status, 303);
    far.wait("已连接", true);
    far.reached();
    assert_eq!((far.outside().get("/login").status, far.outside().get("/admin").status), (200, 303));
    assert_eq!(far.save(&[("host", "")]).status, 422, "a form that is wrong comes back");
    // Off is off.
    let of = revision(&far.page());
    let form = [
        ("host", "127.0.0.1"),
        ("port", "22"),
        ("user", "x"),
        ("bind_port", "80"),
        ("base", "http://a.example"),
        ("revision", of.as_str()),
    ];
    assert_eq!(far.admin.post("/admin/tunnel", &form).status, 303);
    far.wait("未开启", false);
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", far.port)).is_ok() {
        assert!(Instant::now() < until, "the port is closed");
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert!(far.admin.get("/admin/audit").body.contains("tunnel.accept"));
    assert!(far.hall.stop());
}

#[test]
fn a_tunnel_comes_back_after_cuts_restarts_and_a_taken_port_and_trusts_no_other_server() {
    let mut far = Far::up();
    far.reached();
    far.crowd(8, 40);
    // Connections are cut without a word.
    far.server.cut().unwrap();
    far.wait("已连接", true);
    far.reached();
    // The server goes away and comes back.
    far.server.end().unwrap();
    far.wait("连接不到服务器", true);
    far.server.begin().unwrap();
    far.wait("已连接", true);
    far.reached();
    // Somebody else took the port meanwhile.
    far.server.end().unwrap();
    far.wait("连接不到服务器", true);
    let taken = TcpListener::bind(("127.0.0.1", far.port)).unwrap();
    far.server.begin().unwrap();
    far.wait("服务器没有为本机监听", true);
    drop(taken);
    far.wait("已连接", true);
    far.reached();
    // The key is not welcome any more.
    far.server.authorize("").unwrap();
    far.server.cut().unwrap();
    far.wait("服务器不允许本机登录", true);
    far.let_in();
    far.wait("已连接", true);
    // Another server answers at the address.
    far.server.end().unwrap();
    far.server.new_host_key().unwrap();
    far.server.begin().unwrap();
    far.wait("与此前认可的不同", true);
    assert!(TcpStream::connect(("127.0.0.1", far.port)).is_err(), "nothing is forwarded by it");
    far.accept();
    far.wait("已连接", true);
    far.reached();
    far.crowd(8, 40);
    // A new key of the box ends it until the server knows it.
    let of = revision(&far.page());
    assert_eq!(far.admin.post("/admin/tunnel/key", &[("revision", of.as_str())]).status, 303);
    far.wait("服务器不允许本机登录", true);
    far.let_in();
    far.wait("已连接", true);
    far.reached();
    assert!(far.hall.stop(), "it ends in order with a tunnel that is up");
}

#[test]
fn the_page_of_the_tunnel_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("ssh"), "").unwrap();
    let hall = Hall::fresh();
    let at = server.address.port().to_string();
    let (user, shown) = (Server::user().unwrap(), server.fingerprint().unwrap());
    let code = hall.setup_code.clone().unwrap();
    crate::browser::run("tunnel.mjs", &[&hall.base, &code, &at, &user, &shown]);
}
