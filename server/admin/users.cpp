#include "server/admin/users.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <istream>
#include <optional>
#include <ostream>
#include <thread>

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/invitation/invitation.hpp"
#include "protocol/net/tls.hpp"
#include "server/admin/data_folder.hpp"
#include "server/admin/rooms.hpp"
#include "server/admin/socket.hpp"
#include "server/store/sqlite.hpp"
#include "server/users/user.hpp"

namespace beckon::server::admin {

using Verb = CommandLine::Verb;

namespace {

/// One user command at work.
class Work {
 public:
  Work(const CommandLine& line, store::SqliteUsers& store, std::istream& in, std::ostream& out,
       std::ostream& err)
      : line_(line), store_(store), in_(in), out_(out), err_(err) {}

  Exit run() {
    switch (line_.verb) {
      case Verb::user_add:
        return add();
      case Verb::user_invite:
        return invite();
      case Verb::user_import:
        return import();
      case Verb::user_list:
        return list();
      case Verb::user_passwd:
        return set_password();
      case Verb::user_disable:
        return enable(false);
      case Verb::user_enable:
        return enable(true);
      case Verb::user_remove:
        return remove();
      default:
        return Exit::usage;
    }
  }

 private:
  Exit fail(Exit code, const std::string& what) {
    err_ << "beckond: " << what << '\n';
    return code;
  }
  Exit fail(const ErrorCode& error) {
    const bool refused = error == store::Errc::exists || error == store::Errc::not_found;
    const Exit code = error == users::Errc::bad_aor ? Exit::usage : refused ? Exit::failed : Exit::store;
    return fail(code, line_.argument + ": " + error.message());
  }
  Exit done(const std::string& what) {
    out_ << what << '\n';
    // A running server learns of a new domain at once; without one the error is of no interest.
    static_cast<void>(ask(socket_path(line_.config.data), "users"));
    return Exit::done;
  }

  std::optional<std::string> read_password() {
    std::string password;
    if (!std::getline(in_, password)) return std::nullopt;
    if (password.ends_with('\r')) password.pop_back();
    return password;
  }

  /// Named by the administrator, or of an existing user; the first user brings a new domain.
  bool may_join(std::string_view domain) {
    const auto count = store_.count();
    if (count && *count == 0) return true;
    const auto known = store_.domains();
    if (known && std::ranges::find(*known, domain) != known->end()) return true;
    const auto named = load_domains(line_.config.data);
    return std::ranges::find(named, domain) != named.end();
  }

  /// The name of the first of them that is a room; empty: none is. An address is one or the other.
  std::string find_room(const std::vector<std::string>& names) {
    const auto rooms = all_rooms(line_.config.data);
    if (!rooms) return {};
    const auto found = std::ranges::find_if(
        names, [&](const std::string& aor) { return std::ranges::binary_search(*rooms, aor); });
    return found == names.end() ? std::string() : found->substr(found->find(':') + 1);
  }

  /// Nothing: a user of this address may be made.
  std::optional<Exit> refuse_to_make(const std::string& aor) {
    const std::string_view domain = domain_of_aor(aor);
    if (!may_join(domain)) {
      return fail(Exit::usage,
                  "the domain " + std::string(domain) + " is not served; name it with beckond run --domain");
    }
    if (!find_room({aor}).empty()) return fail(Exit::failed, line_.argument + " is a room");
    return std::nullopt;
  }

  Exit add() {
    const auto aor = users::canonical_aor(line_.argument);
    if (!aor) return fail(Exit::usage, line_.argument + ": " + aor.error().message());
    if (const auto refused = refuse_to_make(*aor)) return *refused;
    const auto password = read_password();
    if (!password) return fail(Exit::usage, "the password is expected on standard input, one line");
    auto user = users::make_user(*aor, *password, random_);
    if (!user) return fail(Exit::usage, user.error().message());
    if (const auto added = store_.add(std::span(&*user, 1)); !added) return fail(added.error());
    return done("added " + aor->substr(4));
  }

  /// The link alone goes to standard output, so that a script can take it.
  Exit invite() {
    const auto aor = users::canonical_aor(line_.argument);
    if (!aor) return fail(Exit::usage, line_.argument + ": " + aor.error().message());
    invitation::Invitation link{.account = aor->substr(4), .password = invitation::make_password(random_)};
    if (const auto problem = find_server(link)) return fail(Exit::usage, *problem);
    const auto known = store_.find(*aor);
    if (!known) return fail(known.error());
    auto user = users::make_user(*aor, link.password, random_);
    if (!user) return fail(Exit::usage, user.error().message());
    if (*known) {
      user->enabled = (*known)->enabled;
      if (const auto updated = store_.update(*user); !updated) return fail(updated.error());
    } else {
      if (const auto refused = refuse_to_make(*aor)) return *refused;
      if (const auto added = store_.add(std::span(&*user, 1)); !added) return fail(added.error());
    }
    err_ << "beckond: " << link.account
         << (*known ? " has a new password; the one before is void. " : " was added. ")
         << "The link holds the password: give it to this user alone, who types\n"
         << "beckond: beckon account add LINK\n";
    if (*known && !user->enabled) err_ << "beckond: " << link.account << " is disabled\n";
    return done(invitation::print(link));
  }

  /// Where the server is, and by what its certificate is known. Says what is missing.
  std::optional<std::string> find_server(invitation::Invitation& link) {
    const auto reach = load_reach(line_.config.data);
    if (line_.server.empty() && !reach)
      return "where is the server? Start it once with this data folder, or name it: --server tls:HOST:PORT";
    if (reach) {
      link.server = reach->server;
      link.xcap = reach->xcap;
      const auto facts = net::read_certificate(reach->certificate);
      // What an authority signed is trusted by its name, and may be renewed.
      if (facts && facts->is_self_signed) link.certificate = facts->fingerprint;
    }
    if (line_.server.empty()) return std::nullopt;
    const auto [protocol, host] = cut(line_.server, ':');
    if (host.empty() || (protocol != "tls" && protocol != "tcp" && protocol != "udp"))
      return "--server " + line_.server + " is not tls:HOST[:PORT], tcp:... or udp:...";
    link.server = line_.server;
    link.xcap.clear();
    return std::nullopt;
  }

  Exit import() {
    std::ifstream file(line_.argument);
    if (!file) return fail(Exit::usage, line_.argument + " cannot be read");
    std::vector<users::ImportLine> lines;
    std::string text;
    for (std::size_t number = 1; std::getline(file, text); ++number) {
      auto parsed = users::parse_import_line(text);
      if (!parsed) return fail(Exit::usage, where(number) + parsed.error().message());
      if (!*parsed) continue;
      if (!is_importable((*parsed)->aor, lines))
        return fail(Exit::usage, where(number) + "the domain is not served");
      lines.push_back(std::move(**parsed));
    }
    std::vector<std::string> names;
    for (const auto& each : lines) names.push_back(each.aor);
    if (const std::string room = find_room(names); !room.empty())
      return fail(Exit::failed, line_.argument + ": " + room + " is a room");
    std::vector<users::User> made;
    if (const auto error = derive(lines, made)) return fail(Exit::usage, error->message());
    if (const auto added = store_.add(made); !added) return fail(added.error());
    return done("added " + std::to_string(made.size()) + " users");
  }

  std::string where(std::size_t number) const {
    return line_.argument + " line " + std::to_string(number) + ": ";
  }

  /// In an empty store the first line brings its domain, as with `add`.
  bool is_importable(const std::string& aor, const std::vector<users::ImportLine>& before) {
    const std::string domain(domain_of_aor(aor));
    if (domain == last_domain_) return true;
    const auto count = store_.count();
    const bool first = count && *count == 0;
    const bool may = first ? before.empty() || std::ranges::count(load_domains(line_.config.data), domain) > 0
                           : may_join(domain);
    if (may) last_domain_ = domain;
    return may;
  }

  /// Keys are slow to derive on purpose: all processors help.
  std::optional<ErrorCode> derive(const std::vector<users::ImportLine>& lines,
                                  std::vector<users::User>& made) {
    made.resize(lines.size());
    const std::size_t parts = std::max(1U, std::thread::hardware_concurrency());
    std::vector<std::optional<ErrorCode>> errors(parts);
    {
      std::vector<std::jthread> threads;
      for (std::size_t part = 0; part < parts; ++part) {
        threads.emplace_back([&, part] {
          crypto::SystemRandom random;
          for (std::size_t i = part; i < lines.size(); i += parts) {
            auto user = users::make_user(lines[i].aor, lines[i].password, random);
            if (!user) errors[part] = user.error();
            if (user) made[i] = std::move(*user);
          }
        });
      }
    }
    const auto failed = std::ranges::find_if(errors, [](const auto& error) { return error.has_value(); });
    return failed == errors.end() ? std::nullopt : *failed;
  }

  Exit list() {
    boost::json::array all;
    const auto visited = store_.each([&](const users::User& user) {
      if (line_.json) {
        all.push_back({{"aor", user.aor}, {"enabled", user.enabled}});
      } else {
        out_ << user.aor.substr(4) << (user.enabled ? "" : "  disabled") << '\n';
      }
    });
    if (!visited) return fail(visited.error());
    if (line_.json) out_ << boost::json::serialize(all) << '\n';
    return Exit::done;
  }

  /// The user the command names.
  Result<users::User> find() {
    const auto aor = users::canonical_aor(line_.argument);
    if (!aor) return aor.error();
    auto user = store_.find(*aor);
    if (!user) return user.error();
    if (!*user) return store::Errc::not_found;
    return std::move(**user);
  }

  Exit set_password() {
    const auto user = find();
    if (!user) return fail(user.error());
    const auto password = read_password();
    if (!password) return fail(Exit::usage, "the password is expected on standard input, one line");
    auto changed = users::make_user(user->aor, *password, random_);
    if (!changed) return fail(Exit::usage, changed.error().message());
    changed->enabled = user->enabled;
    if (const auto updated = store_.update(*changed); !updated) return fail(updated.error());
    return done("changed " + user->aor.substr(4));
  }

  Exit enable(bool enabled) {
    auto user = find();
    if (!user) return fail(user.error());
    user->enabled = enabled;
    if (const auto updated = store_.update(*user); !updated) return fail(updated.error());
    return done((enabled ? "enabled " : "disabled ") + user->aor.substr(4));
  }

  Exit remove() {
    const auto user = find();
    if (!user) return fail(user.error());
    if (const auto removed = store_.remove(user->aor); !removed) return fail(removed.error());
    return done("removed " + user->aor.substr(4));
  }

  const CommandLine& line_;
  store::SqliteUsers& store_;
  std::istream& in_;
  std::ostream& out_;
  std::ostream& err_;
  crypto::SystemRandom random_;
  std::string last_domain_;
};

}  // namespace

Exit run_user_command(const CommandLine& line, std::istream& in, std::ostream& out, std::ostream& err) {
  // A folder that is spelt wrong is not made by a look at it.
  const bool begins =
      line.verb == Verb::user_add || line.verb == Verb::user_import || line.verb == Verb::user_invite;
  if (!begins && !std::filesystem::exists(line.config.data)) {
    err << "beckond: " << line.config.data.string() << ": no such folder; --data names the server's\n";
    return Exit::store;
  }
  std::error_code error;
  std::filesystem::create_directories(line.config.data, error);
  if (error) {
    err << "beckond: " << line.config.data.string() << ": " << error.message() << '\n';
    return Exit::store;
  }
  auto problem = problem_of_access(line.config.data);
  if (!problem) problem = problem_of_users(line.config.data);
  if (problem) {
    err << "beckond: " << *problem << '\n';
    return Exit::store;
  }
  const auto file = users_file(line.config.data);
  const auto store = store::SqliteUsers::open(file);
  if (!store) {
    err << "beckond: " << file.string() << ": " << store.error().message() << '\n';
    return Exit::store;
  }
  return Work(line, **store, in, out, err).run();
}

}  // namespace beckon::server::admin
