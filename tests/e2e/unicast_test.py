"""A promise through the command line, as a person would: asked for, read, changed, released."""

import json

import harness


class Unicast(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network()
        self.start_server()

    def test_a_subscription_is_created_read_listed_changed_and_deleted(self):
        made = self.create("ue1")
        self.assertEqual(made["subscription"]["uniQosState"]["controlPlane"], "simulated")
        self.assertEqual(len(self.reservations()), 1)

        read = json.loads(self.nrm("get", made["uniSubId"], "-o", "json"))
        self.assertEqual(read["subscription"]["valTgtUe"], {"valUeId": "ue1"})
        listed = json.loads(self.nrm("list", "-o", "json"))
        self.assertEqual([one["uniSubId"] for one in listed], [made["uniSubId"]])
        self.assertIn("simulated", self.nrm("list"))

        changed = json.loads(self.nrm("modify", made["uniSubId"], "--qos", "xr-silver", "-o", "json"))
        self.assertEqual(changed["subscription"]["uniQosReq"], "xr-silver")
        self.assertEqual(self.reservations()[0]["asked"], "xr-silver")

        self.nrm("delete", made["uniSubId"])
        self.until(self.reservations, [])
        self.nrm("get", made["uniSubId"], exit_code=5)

    def test_admission_refuses_with_an_offer_and_nothing_stays_behind(self):
        for ue in ("ue1", "ue2"):
            self.create(ue)
        self.nrm("create", "--ue", "ue3", "--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x", exit_code=1)
        self.assertIn("403", self.last_error)
        self.assertEqual(len(self.reservations()), 2)

    def test_an_unknown_ue_a_wrong_quality_and_a_forbidden_sink_are_refused_by_name(self):
        self.nrm("create", "--ue", "nobody", "--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x", exit_code=5)
        self.nrm("create", "--ue", "ue1", "--qos", "platinum", "--notify", "http://127.0.0.1:9/x", exit_code=1)
        self.assertIn("uniQosReq", self.last_error)
        self.nrm("create", "--ue", "ue1", "--qos", "xr-gold", "--notify", "http://169.254.169.254/x", exit_code=1)
        self.assertIn("notifUri", self.last_error)
        self.assertEqual(self.reservations(), [])

    def test_a_server_that_is_not_there_is_told_apart_from_a_refusal(self):
        self.server.end()
        self.nrm("list", exit_code=4)
        self.assertIn("lobo serve", self.last_error)

    def test_a_repeated_create_with_one_idempotency_key_makes_one_reservation(self):
        words = ("create", "--ue", "ue1", "--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x",
                 "--idempotency-key", "k1", "-o", "json")
        first, second = json.loads(self.nrm(*words)), json.loads(self.nrm(*words))
        self.assertEqual(first["uniSubId"], second["uniSubId"])
        self.assertEqual(len(self.reservations()), 1)


if __name__ == "__main__":
    harness.main()
