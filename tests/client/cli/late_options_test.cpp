#include "client/cli/late_options.hpp"

#include <doctest/doctest.h>

using namespace beckon::client::cli;
using Words = std::vector<std::string>;

TEST_CASE("options behind a command are the program's, unless the command has them or a text begins") {
  CLI::App app;
  std::string account, record;
  bool json = false;
  app.add_option("--account", account);
  app.add_option("--record", record);
  app.add_flag("--json", json);
  struct Row {
    Words words, options, left;
  };
  for (const Row& row :
       {Row{{}, {}, {}}, Row{{"register"}, {}, {"register"}},
        Row{{"register", "--account", "a@b"}, {"--account", "a@b"}, {"register"}},
        Row{{"register", "--account=a@b", "--json"}, {"--account=a@b", "--json"}, {"register"}},
        Row{{"publish", "--json", "open", "--note", "x"}, {"--json"}, {"publish", "open", "--note", "x"}},
        Row{{"register", "--account"}, {"--account"}, {"register"}},
        // `call` has --record itself, `register` has not.
        Row{{"call", "bob", "--record", "x.wav", "--json"}, {"--json"}, {"call", "bob", "--record", "x.wav"}},
        Row{{"register", "--record", "x.wav"}, {"--record", "x.wav"}, {"register"}},
        Row{{"contacts", "list", "--json"}, {"--json"}, {"contacts", "list"}},
        // What somebody writes is not looked into.
        Row{{"message", "bob", "try", "--json"}, {}, {"message", "bob", "try", "--json"}},
        Row{{"message", "bob", "--help"}, {}, {"message", "bob", "--help"}},
        Row{{"message", "--help"}, {}, {"help", "message"}},
        Row{{"publish", "open", "--help"}, {}, {"help", "publish"}},
        Row{{"account", "list", "--json"}, {"--json"}, {"account", "list"}},
        Row{{"account", "add", "--help"}, {}, {"help", "account add"}},
        Row{{"account", "--help"}, {}, {"help", "account"}},
        Row{{"contacts", "add", "-h"}, {}, {"help", "contacts add"}},
        Row{{"nonsense", "--account", "a@b", "--else"}, {"--account", "a@b"}, {"nonsense", "--else"}}}) {
    std::string shown;
    for (const auto& word : row.words) shown += word + ' ';
    CAPTURE(shown);
    const LateOptions late = split_late(app, row.words);
    CHECK(late.options == row.options);
    CHECK(late.words == row.left);
  }
}
