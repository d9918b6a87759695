#pragma once

#include <string>

#include "server/shard/services.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::subscription {

/// The NOTIFY of `subscription` up to its body, without our Via: its kept head, CSeq, Subscription-State and
/// the lines of the body.
std::string make_notify(const Subscription& subscription, const event::Notifier::Notify& notify,
                        const Content& content);

/// Hands a NOTIFY to the transactions: the one place of the room that knows them. `body` may be null.
void deliver(Services& services, Bucket bucket, std::string head, const SharedText& body,
             const transaction::Hop& hop, transaction::OnOutcome on_outcome);

}  // namespace beckon::server::subscription
