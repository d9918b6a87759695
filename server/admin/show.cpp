#include "server/admin/show.hpp"

#include <boost/json/parse.hpp>
#include <optional>
#include <ostream>
#include <string>

#include "server/admin/error.hpp"
#include "server/admin/explanation.hpp"
#include "server/admin/names.hpp"
#include "server/admin/socket.hpp"
#include "server/admin/tables.hpp"

namespace beckon::server::admin {

namespace {

/// One question to the running server.
class Show {
 public:
  Show(const CommandLine& line, std::ostream& out, std::ostream& errors)
      : line_(line), out_(out), errors_(errors) {}

  Exit tables() {
    return show_tables("tables", [this](std::vector<Table>& tables) {
      if (line_.argument.empty()) return Exit::done;
      std::erase_if(tables, [&](const Table& table) { return table.name != line_.argument; });
      if (!tables.empty()) return Exit::done;
      return fail(Exit::usage, "there is no table \"" + line_.argument + '"');
    });
  }

  Exit explain() {
    const auto presentity = name(line_.argument);
    if (!presentity) return Exit::usage;
    if (!line_.watcher.empty()) return explain_for(*presentity);
    return show_tables("about " + presentity->aor, [&](const std::vector<Table>& tables) {
      return tables.empty() && !presentity->is_user ? fail(Exit::failed, nobody(*presentity)) : Exit::done;
    });
  }

 private:
  Exit fail(Exit code, const std::string& what) {
    errors_ << "beckond: " << what << '\n';
    return code;
  }
  static std::string nobody(const Named& who) { return "there is no user " + who.aor.substr(4); }

  std::optional<Named> name(const std::string& text) {
    auto found = find_name(line_.config.data, text);
    if (const auto* problem = std::get_if<std::string>(&found)) {
      fail(Exit::usage, *problem);
      return std::nullopt;
    }
    return std::get<Named>(found);
  }

  std::optional<std::string> answer_to(const std::string& question) {
    const auto text = ask(socket_path(line_.config.data), question);
    if (!text) {
      fail(Exit::failed, text.error().message() + " (" + line_.config.data.string() + ')');
      return std::nullopt;
    }
    if (const auto why = reason_of_refusal(*text)) {
      fail(Exit::failed, "refused: " + *why);
      return std::nullopt;
    }
    return *text;
  }

  template <class Check>
  Exit show_tables(const std::string& question, const Check& check) {
    const auto text = answer_to(question);
    if (!text) return Exit::failed;
    auto tables = parse_json(*text);
    if (!tables) return fail(Exit::failed, tables.error().message());
    if (const Exit exit = check(*tables); exit != Exit::done) return exit;
    out_ << (line_.json ? print_json(*tables) + '\n' : print_text(*tables));
    return Exit::done;
  }

  Exit explain_for(const Named& presentity) {
    const auto watcher = name(line_.watcher);
    if (!watcher) return Exit::usage;
    const auto text = answer_to("explain " + presentity.aor + ' ' + watcher->aor);
    if (!text) return Exit::failed;
    boost::json::error_code error;
    const auto facts = boost::json::parse(*text, error);
    if (error || !facts.is_object()) return fail(Exit::failed, to_string(Errc::bad_answer));
    if (!knows_presentity(facts.as_object())) return fail(Exit::failed, nobody(presentity));
    out_ << (line_.json ? *text + '\n' : print_explanation(facts.as_object()));
    return Exit::done;
  }

  const CommandLine& line_;
  std::ostream& out_;
  std::ostream& errors_;
};

}  // namespace

Exit run_show(const CommandLine& line, std::ostream& out, std::ostream& errors) {
  Show show(line, out, errors);
  return line.verb == CommandLine::Verb::explain ? show.explain() : show.tables();
}

}  // namespace beckon::server::admin
