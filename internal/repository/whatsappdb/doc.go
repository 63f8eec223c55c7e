// Package whatsappdb stores WhatsApp messages, answers and the progress of their
// parts. It decides how they are stored and locked; every rule and duration is a
// parameter from package whatsapp.
//
// # Locks
//
// Advisory locks, in the order in which they are taken. Whatever takes several
// takes them in this order, so advisory locks cannot deadlock.
//
//	lock                     keys                     mode       taken by                              released
//	-----------------------  -----------------------  ---------  ------------------------------------  --------------
//	postgres.LockMigration   (1, 0)                   exclusive  schema.Migrate                        end of migration
//	postgres.LockInstance    (3, hash of the name)    shared     instance.Locks, once per connection   end of session
//	person                   (person id), one key     exclusive  instance.Locks.TryLock, try only:     UnlockAndCheck or
//	                                                             a worker that answers the person      end of session
//	postgres.LockRetention   (5, 0)                   exclusive  retention.Retention, try only         end of the run
//	postgres.LockIdempotency (8, hash of a key)       exclusive  operatordb.Actions, try only          end of transaction
//	postgres.LockOperation   (9, id of an operation)  exclusive  operatordb.Operations                 end of transaction
//	postgres.LockPersons     (6, 0)                   shared     Inbox.Store                           end of transaction
//	                                                  exclusive  Inbox.Store where persons are merged  end of transaction
//	                                                             or lose a number; the sweep of persons
//	postgres.LockSignUp      (2, hash of a number)    exclusive  waitlistdb, ascending keys            end of transaction
//	postgres.LockWAMID       (4, hash of a wamid)     exclusive  statuses that may be pending or send  end of transaction
//	                                                             a part again, ascending keys
//	                                                  shared     Outbox.Accept                         end of transaction
//	postgres.LockCounts      (7, 0)                   shared     the trigger of waitlist_entry         end of transaction
//	                                                  exclusive  the pass that counts entries          end of transaction
//
// Two spaces exist: locks with one key (persons) and locks with two keys (all
// others). Row locks come after advisory locks and, within one table, are taken in
// the order of the ids. LockCounts is the exception: the trigger takes it when the
// entries are locked already, so the pass that counts locks no entry. Rows of
// different tables are locked in different orders; PostgreSQL ends the rare deadlock,
// and the transaction runs again or fails as fault.Unavailable. A sweep takes rows
// with SKIP LOCKED and never waits for one.
//
// The exclusive LockPersons is requested with lock_timeout, because every webhook
// waits behind the request. After a timeout the transaction pauses for a second
// and runs again, so a suspended instance that holds the shared lock does not
// stop the webhooks of the others.
//
// # What the locks protect
//
//   - LockMigration: two instances never apply the same migration.
//   - LockInstance: while an instance holds it, the others do not re-queue its jobs.
//   - LockRetention: one instance at a time sweeps.
//   - LockSignUp: a duplicate sign-up uses up no id.
//   - The person lock: two workers never answer the same message or send the same
//     part. Losing it is safe: SaveAnswer and BeginSend check the stored state, so
//     a worker without the lock gets whatsapp.ErrAlreadyDone.
//   - LockIdempotency: two requests with the same key are not carried out at once.
//   - LockOperation: two workers never do the same chunk, and a cancellation comes
//     between two chunks.
//   - LockCounts: a change of an entry and the count that includes it do not overlap.
//   - LockPersons: message.person_id, answer.person_id and answer_part.person_id
//     have no foreign key, because checking one writes to the row of the person or
//     needs another index on a large table. Whatever stores a message shares the
//     lock, and whatever deletes or merges persons holds it alone. An answer needs
//     no lock: its person has an unanswered message and is therefore not deleted,
//     and SaveAnswer changes the message and adds the answer in one statement.
//     ApplyChoice needs none either, because it locks the row of the person.
//   - LockWAMID: a status without our callback data and the response to the send,
//     which brings the wamid, may be stored at the same moment, and neither
//     transaction would see the other's row. The same is true of a failure that
//     makes a part unsent, after which its wamid is a former one.
//
// # Delivery of an answer part
//
//	            BeginSend          Accept              status           status         status
//	  unsent ─────────────► sending ──────► accepted ─────────► sent ─────────► delivered ────► read
//	    ▲                    │    │             │                 │                 ▲
//	    │ Refuse, temporary  │    │             │                 │                 │
//	    ├────────────────────┘    │ Refuse,     │ status failed   │ status failed   │ status, although
//	    │                         │ final       │                 │                 │ it failed
//	    │                         ▼             ▼                 ▼                 │
//	    │                       failed ◄────────┴─────────────────┴─────────────────┘
//	    │                                       │
//	    └───────────────────────────────────────┘
//	      status failed, temporary, fewer than max_resends: the wamid becomes a former one
//
//	A part that is sending and has no outcome for RESEND_AFTER is sent again:
//	BeginSend takes it from sending to sending with one more attempt.
//	A status may skip states. A status of a former wamid counts only where it says
//	delivered or read. While a part is unsent or sending, the column open is true.
//
//	An opt-out takes every open part of the person to failed, in the transaction
//	that stores it. BeginSend does so with a part that became open later, unless it
//	confirms the opt-out.
//
// # Choice of a person
//
//	         STOP, or "stop" in the settings, with a newer time
//	  in ──────────────────────────────────────────────────────► out
//	   ▲                                                          │
//	   └──────────────────────────────────────────────────────────┘
//	         START, or "resume" in the settings, with a newer time
//
//	person.choice_at is the time of the newest choice by Meta's clock, also of one
//	that repeats the choice before it. See whatsapp.Choice.Replaces for ties. The
//	confirmation answers the messages that were sent before the choice. storeChoices
//	locks these messages first, then the person and then the parts. SaveAnswer locks
//	its messages too, so it either stored the answer before, and the choice gives its
//	parts up, or finds the messages answered.
//
// # Who a person is
//
//   - A user id never passes to another person. A person whose user id changed
//     keeps everything.
//   - A row with a number and no user id, and a message from that number with a user
//     id, are the same person, unless that user id has another number. Otherwise the
//     history of most persons would be lost when their user id first arrives. The
//     risk is small: carriers wait months before they give a number to another
//     person, and the history in a prompt ends after whatsapp.HistoryAge.
//   - A number passes to another person where a person with another user id, or with
//     another number until now, writes from it, or where a system message says that
//     a person has changed to it. Nothing of the earlier owner passes on: no
//     message, answer, opt-out, pause or name. Parts that are not sent yet go to their
//     user id; without a user id the parts are given up.
//   - person.number_since distinguishes the earlier owner of a number from a person who
//     wrote from their new number before the system message arrived. It also shows
//     that a system message was applied before.
//   - An item that was sent before number_since, from that number and without the
//     user id of its owner, is of the earlier owner. It is stored for the user id that
//     it has, and otherwise as an unhandled item.
//
// # Send hold of a number
//
//	           refusal that concerns the number,
//	           or a failed status with such a code              retry_at: one part becomes the probe
//	  no row ────────────────────────────────────► held ───────────────────────────────────────────► probing
//	    ▲                                           ▲  ▲                                              │ │ │
//	    │                                           │  └──── probe refused for the number: longer ────┘ │ │
//	    │                                           └─────── lease of the probe ended: next probe ───────┘ │
//	    └──────────────────────── probe accepted, or refused for itself alone ────────────────────────────┘
//
//	A failed status that had to wait in pending_status begins no hold.
//	A refusal during a hold, by a part that is not the probe, changes it only
//	from temporary to needs_operator.
package whatsappdb
