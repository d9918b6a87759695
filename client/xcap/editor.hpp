#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "client/xcap/requester.hpp"

namespace beckon::client::xcap {

/// Edits one document of the account on the server: reads it, has it changed, and writes it back if nobody
/// has changed it meanwhile (RFC 4825 7.11), else begins again, 20 times in all. One edit at a time, in
/// order.
class Editor {
 public:
  /// What the editor says of the document.
  struct Document {
    std::string path;          ///< Of the request, as `Requester::path_of` makes it.
    std::string content_type;  ///< Of the whole document.
    std::string name;          ///< For people: "the rules".
  };
  /// Why a document is not changed: the end of the edit, with a status of HTTP's.
  struct Refusal {
    int status = 0;
    std::string reason;
  };
  /// The new text of the document; `text` is empty where there is none. The same text again is not written.
  /// Called once for each try.
  using Change = std::function<boost::system::result<std::string, Refusal>(const std::string& text)>;
  /// `status` is HTTP's; 0 if the server was not reached, `control::unproven` if its certificate is not
  /// trusted. `reason` is empty for a 2xx.
  using Done = std::function<void(int status, const std::string& reason, Now now)>;

  Editor(const account::Account& account, Document document, Http& http, Random& random);

  void edit(Change change, Done done);
  /// Reads the document without changing it; an empty text where there is none.
  void read(Requester::Read<std::string> done);

 private:
  struct Edit {
    Change change;
    Done done;
    int tries = 0;
  };
  void begin();
  void on_read(const Result<beckon::xcap::Response>& response, Now now);
  void write(std::string text, const beckon::xcap::Response& before);
  void on_written(const Result<beckon::xcap::Response>& response, Now now);
  void end(int status, const std::string& reason, Now now);

  Document document_;
  Requester requester_;
  std::deque<Edit> edits_;  ///< The first is in progress.
};

}  // namespace beckon::client::xcap
