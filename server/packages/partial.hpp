#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "server/presence/information.hpp"
#include "server/shard/directory.hpp"

namespace beckon::server::packages {

/// Partial notification (RFC 5263) for the watchers of one shard: which document each of them has, and what
/// makes the next one of it. Watchers that have the same share it, and what makes another one of it is found
/// once for all of them.
class PartialNotification {
 public:
  /// Of one presentity: older documents are forgotten, and who has one of those gets full state. A user has
  /// few groups of watchers, and most watchers have the newest document.
  static constexpr std::size_t documents_max = 8;

  /// A document that watchers have.
  struct Document;
  using DocumentPtr = boost::intrusive_ptr<Document>;

  /// What one subscription has.
  class Watcher {
   public:
    /// Its first document has the next version.
    explicit Watcher(std::uint32_t version);
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    ~Watcher();

   private:
    friend class PartialNotification;
    DocumentPtr has_;                           ///< Null: the next document is full.
    DocumentPtr next_;                          ///< Of what was composed last.
    std::size_t grants_ = 0, next_grants_ = 0;  ///< `Drawing::grants` of the two.
    std::uint32_t version_;
    bool is_composed_ = false;
  };

  PartialNotification();
  ~PartialNotification();

  /// The body of a NOTIFY for a watcher that may see `shown`. Counts when it is sent. `octets_max`: what is
  /// kept of one presentity, before what this makes; past it the oldest documents are forgotten.
  SharedText compose(Watcher& watcher, const Entry& presentity, const presence::Drawing& shown, bool is_full,
                     std::size_t octets_max);
  /// There is nothing to see.
  void compose_nothing(Watcher& watcher);
  void sent(Watcher& watcher, const Entry& presentity);
  /// It gets full state next.
  void forget(Watcher& watcher, const Entry& presentity);

  /// Documents that are kept.
  std::size_t size() const;
  /// Of them, of what makes one of another, and of their bodies.
  std::size_t octets() const;
  /// How often the difference of two documents was looked for.
  std::uint64_t differences() const { return differences_; }

 private:
  struct Change;

  DocumentPtr document_of(const Entry& presentity, const SharedText& text);
  void keep_within(const Entry& presentity, Document& next, std::size_t octets_max);
  Change& change(const Document& from, Document& to);
  void drop_unused(const Entry& presentity);

  boost::unordered_flat_map<const Entry*, std::vector<DocumentPtr>> documents_;  ///< Oldest first.
  std::uint64_t last_number_ = 0;
  std::uint64_t differences_ = 0;
};

}  // namespace beckon::server::packages
