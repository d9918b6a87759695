#include <fstream>

#include "protocol/crypto/crypto.hpp"
#include "protocol/invitation/invitation.hpp"
#include "protocol/net/tls.hpp"
#include "server/admin/data_folder.hpp"
#include "server/admin/names.hpp"
#include "server/store/sqlite.hpp"
#include "server/users/user.hpp"
#include "tests/server/admin/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::admin;
using namespace beckon::server::test;

TEST_CASE("an administrator names users in any case, and without domain where one is served") {
  const Folder folder;
  const auto find = [&](const std::string& text) -> std::string {
    const auto found = find_name(folder.path(), text);
    if (const auto* problem = std::get_if<std::string>(&found)) return *problem;
    const auto& named = std::get<Named>(found);
    return named.aor + (named.is_user ? "" : " unknown");
  };
  CHECK(find("alice") == "which alice? Name the domain: alice@example.org");
  CHECK(find("alice@example.org") == "sip:alice@example.org unknown");
  folder.user(Verb::user_add, "alice@example.org");
  folder.user(Verb::user_add, "Bob@example.org");
  CHECK(find("alice") == "sip:alice@example.org");
  CHECK(find("ALICE@Example.ORG") == "sip:alice@example.org");
  CHECK(find("sip:bob") == "sip:Bob@example.org");
  CHECK(find("carol") == "sip:carol@example.org unknown");
  save_domains(folder.path(), {"example.net", "127.0.0.1"});
  CHECK(find("alice") == "which alice? The server serves example.org, example.net");
  CHECK(find("alice@example.org") == "sip:alice@example.org");
  CHECK(find("alice@@").find("alice@@: ") == 0);
}

TEST_CASE("the first user's domain becomes served; later users must be of it") {
  const Folder folder;
  CHECK(folder.user(Verb::user_add, "alice@example.org").exit == Exit::done);
  CHECK(folder.user(Verb::user_add, "bob@Example.Org").exit == Exit::done);
  const auto stranger = folder.user(Verb::user_add, "eve@example.net");
  CHECK(stranger.exit == Exit::usage);
  CHECK(stranger.err.find("example.net is not served") != std::string::npos);
  save_domains(folder.path(), {"example.net"});
  CHECK(folder.user(Verb::user_add, "eve@example.net").exit == Exit::done);
  CHECK(folder.user(Verb::user_list, "").out == "alice@example.org\nbob@example.org\neve@example.net\n");
}

TEST_CASE("a fault in a user's name or password is reported, and nothing is stored") {
  const Folder folder;
  CHECK(folder.user(Verb::user_add, "alice").exit == Exit::usage);
  CHECK(folder.user(Verb::user_add, "alice@example.org", "").exit == Exit::usage);
  CHECK(folder.user(Verb::user_add, "alice@example.org", "\n").exit == Exit::usage);
  CHECK(folder.user(Verb::user_list, "").out.empty());
  CHECK(folder.user(Verb::user_passwd, "alice").exit == Exit::usage);
  CHECK(folder.user(Verb::user_passwd, "alice@example.org").exit == Exit::failed);
  folder.user(Verb::user_add, "alice@example.org");
  CHECK(folder.user(Verb::user_add, "alice@example.org").exit == Exit::failed);
}

TEST_CASE("a user is disabled, enabled, given another password and removed") {
  const Folder folder;
  folder.user(Verb::user_add, "alice@example.org");
  const auto find = [&] {
    auto store = store::SqliteUsers::open(users_file(folder.path()));
    REQUIRE(store.has_value());
    const auto user = (*store)->find("sip:alice@example.org");
    REQUIRE(user.has_value());
    return *user;
  };
  const auto before = find();
  folder.user(Verb::user_disable, "alice@example.org");
  CHECK_FALSE(find()->enabled);
  CHECK(folder.user(Verb::user_list, "", "", true).out ==
        "[{\"aor\":\"sip:alice@example.org\",\"enabled\":false}]\n");
  folder.user(Verb::user_passwd, "alice@example.org", "other\r\n");
  CHECK(find()->ha1_short.sha256 != before->ha1_short.sha256);
  CHECK_FALSE(find()->enabled);
  folder.user(Verb::user_enable, "alice@example.org");
  CHECK(find()->enabled);
  CHECK(folder.user(Verb::user_remove, "alice@example.org").exit == Exit::done);
  CHECK_FALSE(find());
}

TEST_CASE("an import adds all users of a file, or none and says which line is wrong") {
  const Folder folder;
  const auto file = folder.path() / "users.txt";
  const auto import = [&](const std::string& text) {
    std::ofstream(file) << text;
    return folder.user(Verb::user_import, file.string());
  };
  const auto wrong = import("alice@example.org one\nbob@example.net two\n");
  CHECK(wrong.exit == Exit::usage);
  CHECK(wrong.err.find("line 2") != std::string::npos);
  CHECK(folder.user(Verb::user_list, "").out.empty());
  CHECK(import("# all of us\nalice@example.org one\n\nbob@example.org two words\n").out == "added 2 users\n");
  CHECK(import("carol@example.org x\nalice@example.org y\n").exit == Exit::failed);
  CHECK(folder.user(Verb::user_list, "").out == "alice@example.org\nbob@example.org\n");
}

TEST_CASE("an invitation makes the user with a password that fits, and says where the server is") {
  const Folder folder;
  const auto lost = folder.invite("alice@example.org");
  CHECK(lost.exit == Exit::usage);
  CHECK(lost.err.find("--server tls:HOST:PORT") != std::string::npos);

  REQUIRE(net::make_self_signed(certificate_file(folder.path()), key_file(folder.path()), {"example.org"}, {})
              .has_value());
  save_reach(folder.path(),
             {"tls:192.0.2.1:5061", "https://192.0.2.1:5443/xcap", certificate_file(folder.path()).string()});
  const auto said = folder.invite("Alice@Example.ORG");
  REQUIRE(said.exit == Exit::done);
  const auto link = invitation::parse_link(said.out).value();
  CHECK(link.account == "Alice@example.org");
  CHECK(link.server == "tls:192.0.2.1:5061");
  CHECK(link.xcap == "https://192.0.2.1:5443/xcap");
  CHECK(link.certificate == net::read_certificate(certificate_file(folder.path())).value().fingerprint);
  CHECK(said.err.find(link.password) == std::string::npos);

  crypto::SystemRandom random;
  const auto ha1 = [&](const std::string& password) {
    return users::make_user("Alice@example.org", password, random).value().ha1_short.sha256;
  };
  const auto find = [&] {
    auto store = store::SqliteUsers::open(users_file(folder.path())).value();
    return store->find("sip:Alice@example.org").value().value();
  };
  CHECK(find().ha1_short.sha256 == ha1(link.password));

  // A second invitation makes the first password void. A disabled user stays disabled.
  folder.user(Verb::user_disable, "Alice@example.org");
  const auto again = folder.invite("Alice@example.org", "tls:sip.example.org");
  REQUIRE(again.exit == Exit::done);
  const auto second = invitation::parse_link(again.out).value();
  CHECK(second.password != link.password);
  CHECK(second.server == "tls:sip.example.org");
  CHECK(second.xcap.empty());
  CHECK(find().ha1_short.sha256 == ha1(second.password));
  CHECK_FALSE(find().enabled);
  CHECK(again.err.find("is disabled") != std::string::npos);
}

TEST_CASE("an invitation that cannot be kept is refused, and makes nobody") {
  const Folder folder;
  folder.user(Verb::user_add, "bob@example.org");
  save_reach(folder.path(), {"udp:192.0.2.1:5060", "", ""});
  CHECK(folder.invite("alice").exit == Exit::usage);
  CHECK(folder.invite("alice@example.net").exit == Exit::usage);
  CHECK(folder.invite("alice@example.org", "sip.example.org").exit == Exit::usage);
  CHECK(folder.invite("alice@example.org", "tls:").exit == Exit::usage);
  CHECK(folder.user(Verb::user_list, "").out == "bob@example.org\n");
  const auto link = invitation::parse_link(folder.invite("alice@example.org").out).value();
  CHECK(link.certificate.empty());
  CHECK(link.xcap.empty());
}
