#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"

namespace beckon::event {

/// One document that one device published.
struct Publication {
  std::string id{};    ///< Its first entity-tag: stays while `etag` changes; the key in the store.
  std::string etag{};  ///< What the device must name next.
  std::string content_type{};
  SharedText document{};
  std::string
      instance;  ///< Which device (from Contact or +sip.instance, as the caller reads it); may be empty.
  std::string data{};  ///< The caller's own words about it, kept unread.
  Time expires{};
  Time renewed{};  ///< When the device last spoke: the one silent longest gives way to an eleventh.
  /// Read from the store without the parts that are never stored: a refresh is answered 412, so that the
  /// device sends it whole, and the same instance's next initial PUBLISH takes its place.
  bool incomplete = false;
};

/// The publications of one presentity for one event package (RFC 3903 6): a value the caller may copy, change
/// and only then make valid (a 2xx leaves after the store has the record).
class Compositor {
 public:
  /// Mints an entity-tag that was never used (it carries the bucket).
  using MintEtag = std::function<std::string()>;

  struct Config {
    /// DESIGN 7: a person has few devices; each publication costs a share of every NOTIFY.
    std::size_t max_publications = 10;
  };

  /// A PUBLISH, already authorised and its body checked.
  struct Request {
    std::string if_match{};  ///< SIP-If-Match; empty: initial.
    std::string content_type{};
    SharedText document{};           ///< Null: no body.
    std::chrono::seconds expires{};  ///< As granted; 0 removes.
    std::string instance{};
    std::string data{};  ///< Replaces the old one when there is a document.
  };
  struct Answer {
    int status = 0;        ///< 200; 412 unknown entity-tag; 400 an initial PUBLISH without body.
    std::string etag{};    ///< SIP-ETag of a 200.
    std::string id{};      ///< Publication::id that was made, changed, refreshed or removed.
    bool changed = false;  ///< The presentity's state changed: compose and notify.
    bool removed = false;  ///< `id` is gone (expires 0).
    std::vector<std::string> displaced{};  ///< Ids of other publications that gave way.
  };

  Compositor(Config config, MintEtag mint_etag);

  Answer on_publish(const Request& request, Time now);
  /// Takes out what has expired; its ids.
  std::vector<std::string> expire(Time now);
  /// When `expire` has something to do.
  std::optional<Time> deadline() const;

  /// Puts back what was stored; an id that is there already is replaced.
  void restore(Publication publication);
  /// Takes one out by id (an administrator, or a commit that failed).
  bool erase(std::string_view id);

  const std::vector<Publication>& publications() const { return publications_; }  ///< Oldest first.
  const Publication* find(std::string_view id) const;
  bool empty() const { return publications_.empty(); }

 private:
  Answer on_initial(const Request& request, Time now);
  Answer on_known(std::size_t index, const Request& request, Time now);
  void displace_incomplete(const std::string& instance, std::vector<std::string>& displaced);
  void make_room(const std::string& instance, std::vector<std::string>& displaced);

  Config config_;
  MintEtag mint_etag_;
  std::vector<Publication> publications_;
};

}  // namespace beckon::event
