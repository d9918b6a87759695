#include "tools/bench/load/kamailio.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/bench/load/link.hpp"
#include "tools/bench/load/texts.hpp"

namespace beckon::bench {
namespace {

constexpr const char* program = "/usr/sbin/kamailio";
constexpr const char* modules = "/usr/lib/x86_64-linux-gnu/kamailio/modules/";
constexpr std::chrono::seconds start_limit{90};
constexpr int look_again_ms = 100;

/// A port that was free a moment ago: Kamailio takes none with 0.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(name.sin_port);
}

bool answers(std::uint16_t port) {
  const auto link = make_udp_link(port, 1);
  const std::string uri = fmt::format("sip:{}", domain);
  const std::string text = print({.method = "OPTIONS",
                                  .uri = uri,
                                  .from = "bench",
                                  .to = {},
                                  .to_tag = {},
                                  .call_id = "start",
                                  .headers = {},
                                  .body = {}},
                                 {}, link->port());
  link->send({text});
  bool answered = false;
  link->receive(look_again_ms, [&](std::string_view answer) { answered = status_in(answer) == 200; });
  return answered;
}

/// For db_text, which keeps it in the memory that the workers share. Gives msilo's db_url.
std::string make_table(const std::filesystem::path& folder) {
  std::ofstream(folder / "version") << "id(int,auto) table_name(string) table_version(int)\n0:silo:8\n";
  std::ofstream(folder / "silo")
      << "id(int,auto) src_addr(string) dst_addr(string) username(string) domain(string) inc_time(int) "
         "exp_time(int) snd_time(int) ctype(string) body(string,null) extra_hdrs(string,null) "
         "callid(string,null) status(int,null)\n";
  return fmt::format("\"text://{}\"", folder.string());
}

/// For db_sqlite, likewise.
std::string make_database(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "silo.db";
  sqlite3* database = nullptr;
  const char* schema =
      "PRAGMA journal_mode=WAL;"
      "CREATE TABLE version (table_name TEXT, table_version INTEGER);"
      "INSERT INTO version VALUES ('silo', 8);"
      "CREATE TABLE silo (id INTEGER PRIMARY KEY NOT NULL, src_addr TEXT, dst_addr TEXT, username TEXT,"
      " domain TEXT, inc_time INTEGER, exp_time INTEGER, snd_time INTEGER, ctype TEXT, body BLOB,"
      " extra_hdrs TEXT, callid TEXT, status INTEGER);"
      "CREATE INDEX silo_account_idx ON silo (username, domain);";
  const bool is_made = sqlite3_open(file.c_str(), &database) == SQLITE_OK &&
                       sqlite3_exec(database, schema, nullptr, nullptr, nullptr) == SQLITE_OK;
  sqlite3_close(database);
  if (!is_made) throw std::runtime_error("no database for kamailio");
  return fmt::format("\"sqlite:///{}\"", file.string());
}

/// Packages put them there.
constexpr const char* schemas = "/usr/share/kamailio/db_sqlite/";

void execute(sqlite3* database, const std::string& statements) {
  if (sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(fmt::format("no documents for kamailio: {}", sqlite3_errmsg(database)));
}

/// Gives the db_url of a database with the documents of users: the lists, if there are any.
std::string make_documents(const std::filesystem::path& folder, const Setting& setting) {
  const std::filesystem::path file = folder / "documents.db";
  sqlite3* database = nullptr;
  if (sqlite3_open(file.c_str(), &database) != SQLITE_OK)
    throw std::runtime_error("no database for kamailio");
  execute(database, "PRAGMA journal_mode=WAL;");
  for (const char* name : {"standard", "presence", "rls"}) {
    std::ifstream schema(fmt::format("{}{}-create.sql", schemas, name));
    execute(database, {std::istreambuf_iterator<char>(schema), {}});
  }
  constexpr int rls_services = 8;  // of Kamailio's xcap table
  for (std::uint32_t i = 0; i < setting.lists; ++i)
    execute(database,
            fmt::format("INSERT INTO xcap (username, domain, doc, doc_type, etag, source, doc_uri, port)"
                        " VALUES ('{}', '{}', '{}', {}, 'e', 0, 'u{}', 0);",
                        user('w', i), domain, list_document(i, setting.list_members), rls_services, i));
  sqlite3_close(database);
  return fmt::format("\"sqlite:///{}\"", file.string());
}

/// A certificate as beckond makes one for itself: a key on P-256.
void make_certificate(const std::filesystem::path& folder) {
  Subject::start({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                  "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", (folder / "key.pem").string(),
                  "-out", (folder / "cert.pem").string()},
                 server_core)
      .wait();
}

}  // namespace

bool kamailio_can(const Setting& setting) {
  const bool has_database = std::filesystem::exists(modules + std::string("db_sqlite.so"));
  const auto has = [](const char* module) { return std::filesystem::exists(modules + std::string(module)); };
  if (setting.xcap) return has_database && has("xcap_server.so") && has("xhttp.so") && has("tls.so");
  if (setting.lists > 0) return has_database && std::filesystem::exists(modules + std::string("rls.so"));
  return !setting.stores || setting.durability == Durability::memory || has_database;
}

std::optional<std::filesystem::path> find_kamailio() {
  if (!std::filesystem::exists(program) || !std::filesystem::exists(modules + std::string("presence_xml.so")))
    return std::nullopt;
  return program;
}

Subject start_kamailio(const std::filesystem::path& kamailio, const std::filesystem::path& folder, int core,
                       const Setting& setting) {
  const std::uint16_t port = free_port();
  std::vector<std::string> words{kamailio.string(),
                                 "-f",
                                 BECKON_BENCH_KAMAILIO_CONFIG,
                                 "-l",
                                 fmt::format("udp:127.0.0.1:{}", port),
                                 "-x",
                                 "fm",
                                 "-m",
                                 "2048",
                                 "-M",
                                 "32",
                                 "-DD",
                                 "-E",
                                 "-P",
                                 (folder / "pid").string(),
                                 "-Y",
                                 folder.string(),
                                 "-A",
                                 setting.grows ? "MEASURE_MEMORY" : "MEASURE_RATE"};
  if (setting.digest) words.insert(words.end(), {"-A", "WITH_DIGEST"});
  if (setting.stores) {
    const bool is_table = setting.durability == Durability::memory;
    const std::string silo = is_table ? make_table(folder) : make_database(folder);
    words.insert(words.end(), {"-A", is_table ? "WITH_TABLE" : "WITH_DATABASE", "-A", "SILO=" + silo});
  }
  if (setting.lists > 0)
    words.insert(words.end(), {"-A", "WITH_LISTS", "-A", "LISTS=" + make_documents(folder, setting), "-A",
                               fmt::format("RLS_ADDRESS=\"sip:rls@127.0.0.1:{}\"", port), "-A",
                               fmt::format("OUTBOUND=\"sip:127.0.0.1:{}\"", port)});
  const std::uint16_t https = setting.xcap ? free_port() : 0;
  if (setting.xcap) {
    make_certificate(folder);
    words.insert(words.end(), {"-l", fmt::format("tls:127.0.0.1:{}", https), "-A", "WITH_XCAP", "-A",
                               "DOCUMENTS=" + make_documents(folder, setting), "-A",
                               fmt::format("CERTIFICATE=\"{}\"", (folder / "cert.pem").string()), "-A",
                               fmt::format("CERTIFICATE_KEY=\"{}\"", (folder / "key.pem").string())});
  }
  Subject subject = Subject::start(words, core);
  subject.ports["udp"] = port;
  if (setting.xcap) subject.ports["https"] = https;
  const auto deadline = std::chrono::steady_clock::now() + start_limit;
  while (!answers(port)) {
    if (!subject.is_running()) throw std::runtime_error("kamailio ended while it started");
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("kamailio does not answer");
    ::usleep(look_again_ms * 1000);
  }
  return subject;
}

}  // namespace beckon::bench
