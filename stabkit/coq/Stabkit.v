(* Sums, vectors and matrices of every size over the real numbers, and the rules of proofs.
   A vector is a sequence of which the first n entries count; nothing beyond Coq's standard
   library is used. *)

Require Export Reals Lra Lia List.
Require Import FunctionalExtensionality Arith.
Import ListNotations.
Open Scope R_scope.

Definition vec := nat -> R.
Definition mat := nat -> nat -> R.

Fixpoint sum (n : nat) (f : vec) : R := match n with O => 0 | S k => sum k f + f k end.
Definition dot (n : nat) (u v : vec) : R := sum n (fun i => u i * v i).
Definition add (u v : vec) : vec := fun i => u i + v i.
Definition sub (u v : vec) : vec := fun i => u i - v i.
Definition scal (a : R) (u : vec) : vec := fun i => a * u i.
Definition zero : vec := fun _ => 0.
Definition each (phi : R -> R) (s : vec) : vec := fun i => phi (s i).
Definition mul (n : nat) (K : mat) (u : vec) : vec := fun i => sum n (fun j => K i j * u j).
Definition mulT (m : nat) (K : mat) (f : vec) : vec := fun j => sum m (fun i => K i j * f i).

(* -- sums ------------------------------------------------------------------------------------ *)

Lemma sum_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> sum n f = sum n g.
Proof. induction n; simpl; intro H; auto. rewrite IHn, H; auto. Qed.

Lemma sum_add n f g : sum n (fun i => f i + g i) = sum n f + sum n g.
Proof. induction n; simpl; [ring | rewrite IHn; ring]. Qed.

Lemma sum_scal n a f : sum n (fun i => a * f i) = a * sum n f.
Proof. induction n; simpl; [ring | rewrite IHn; ring]. Qed.

Lemma sum_zero n : sum n (fun _ => 0) = 0.
Proof. induction n; simpl; [ring | rewrite IHn; ring]. Qed.

Lemma sum_nonneg n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= sum n f.
Proof.
  induction n; simpl; intro H; [lra |].
  assert (0 <= sum n f) by auto. assert (0 <= f n) by auto. lra.
Qed.

Lemma sum_swap m n (f : nat -> nat -> R) :
  sum m (fun i => sum n (fun j => f i j)) = sum n (fun j => sum m (fun i => f i j)).
Proof. induction m; simpl; [now rewrite sum_zero | now rewrite IHm, sum_add]. Qed.

Lemma dot_sym n u v : dot n u v = dot n v u.
Proof. apply sum_ext; intros; ring. Qed.

Lemma dot_square n u : 0 <= dot n u u.
Proof. apply sum_nonneg; intros. apply Rle_0_sqr. Qed.

Lemma dot_adjoint m n K f u : dot n (mulT m K f) u = dot m f (mul n K u).
Proof.
  unfold dot, mulT, mul.
  transitivity (sum n (fun j => sum m (fun i => f i * (K i j * u j)))).
  - apply sum_ext; intros. rewrite (Rmult_comm _ (u i)), <- sum_scal. apply sum_ext; intros; ring.
  - rewrite <- sum_swap. apply sum_ext; intros. apply sum_scal.
Qed.

Definition unit (k : nat) : vec := fun i => if Nat.eqb i k then 1 else 0.

Lemma dot_unit n k x : (k < n)%nat -> dot n (unit k) x = x k.
Proof.
  unfold dot, unit. induction n; intro H; [lia |]. simpl. destruct (Nat.eq_dec k n) as [-> | D].
  - rewrite Nat.eqb_refl. transitivity (sum n (fun _ => 0) + x n).
    + f_equal; [| ring]. apply sum_ext; intros i L.
      destruct (Nat.eqb_spec i n); [lia | ring].
    + rewrite sum_zero; ring.
  - destruct (Nat.eqb_spec n k); [lia |]. rewrite IHn by lia. ring.
Qed.

(* What is orthogonal to everything is 0. *)
Lemma only_zero n x : (forall z, dot n z x = 0) -> forall i, (i < n)%nat -> x i = 0.
Proof. intros H i L. rewrite <- (dot_unit n i x L). apply H. Qed.

Lemma dot_with_zero n z x : (forall i, (i < n)%nat -> x i = 0) -> dot n z x = 0.
Proof.
  intro H. transitivity (sum n (fun _ => 0)); [| apply sum_zero].
  apply sum_ext; intros. rewrite H by auto. ring.
Qed.

(* -- a normal form of scalar products ---------------------------------------------------------- *)

Record letter := Letter { name : nat; src : nat; dst : nat; turned : bool }.

Inductive vexpr :=
  | Gen (g : nat) | Add (a b : vexpr) | Sub (a b : vexpr) | Scal (c : R) (a : vexpr)
  | Zero | App (l : letter) (a : vexpr).

Record env := Env { dim : nat -> nat; op : nat -> mat; gen : nat -> vec; symmetric : nat -> bool }.

Definition app (e : env) (l : letter) (x : vec) : vec :=
  if turned l then mulT (dim e (src l)) (op e (name l)) x else mul (dim e (src l)) (op e (name l)) x.

Fixpoint veval (e : env) (x : vexpr) : vec :=
  match x with
  | Gen g => gen e g
  | Add a b => add (veval e a) (veval e b)
  | Sub a b => sub (veval e a) (veval e b)
  | Scal c a => scal c (veval e a)
  | Zero => zero
  | App l a => app e l (veval e a)
  end.

Definition word := (list letter * nat)%type.

Fixpoint spell (e : env) (w : list letter) (g : nat) : vec :=
  match w with nil => gen e g | l :: r => app e l (spell e r g) end.

Fixpoint scaled (c : R) (x : list (R * word)) : list (R * word) :=
  match x with nil => nil | (k, w) :: r => (c * k, w) :: scaled c r end.

Fixpoint applied (l : letter) (x : list (R * word)) : list (R * word) :=
  match x with nil => nil | (k, (w, g)) :: r => (k, (l :: w, g)) :: applied l r end.

Fixpoint joined (x y : list (R * word)) : list (R * word) :=
  match x with nil => y | t :: r => t :: joined r y end.

Fixpoint vnorm (x : vexpr) : list (R * word) :=
  match x with
  | Gen g => (1, (nil, g)) :: nil
  | Add a b => joined (vnorm a) (vnorm b)
  | Sub a b => joined (vnorm a) (scaled (-1) (vnorm b))
  | Scal c a => scaled c (vnorm a)
  | Zero => nil
  | App l a => applied l (vnorm a)
  end.

Fixpoint vsum (e : env) (x : list (R * word)) : vec :=
  match x with nil => zero | (k, (w, g)) :: r => add (scal k (spell e w g)) (vsum e r) end.

Lemma app_add e l x y : app e l (add x y) = add (app e l x) (app e l y).
Proof.
  apply functional_extensionality; intro i. unfold app, add, mul, mulT. destruct (turned l);
  rewrite <- sum_add; apply sum_ext; intros; ring.
Qed.

Lemma app_scal e l c x : app e l (scal c x) = scal c (app e l x).
Proof.
  apply functional_extensionality; intro i. unfold app, scal, mul, mulT. destruct (turned l);
  rewrite <- sum_scal; apply sum_ext; intros; ring.
Qed.

Lemma app_zero e l : app e l zero = zero.
Proof.
  apply functional_extensionality; intro i. unfold app, zero, mul, mulT. destruct (turned l);
  (transitivity (sum (dim e (src l)) (fun _ => 0)); [apply sum_ext; intros; ring | apply sum_zero]).
Qed.

Lemma vsum_joined e x y : vsum e (joined x y) = add (vsum e x) (vsum e y).
Proof.
  apply functional_extensionality; intro i. induction x as [| [k [w g]] r IH]; simpl.
  - unfold add, zero; ring.
  - unfold add in *. rewrite IH. ring.
Qed.

Lemma vsum_scaled e c x : vsum e (scaled c x) = scal c (vsum e x).
Proof.
  apply functional_extensionality; intro i. induction x as [| [k [w g]] r IH]; simpl.
  - unfold scal, zero; ring.
  - unfold add, scal in *. rewrite IH. ring.
Qed.

Lemma vsum_applied e l x : vsum e (applied l x) = app e l (vsum e x).
Proof.
  induction x as [| [k [w g]] r IH]; simpl; [now rewrite app_zero |].
  now rewrite IH, app_add, app_scal.
Qed.

Lemma vnorm_ok e x : veval e x = vsum e (vnorm x).
Proof.
  induction x; simpl.
  - apply functional_extensionality; intro. unfold add, scal, zero. ring.
  - now rewrite vsum_joined, IHx1, IHx2.
  - rewrite vsum_joined, vsum_scaled, IHx1, IHx2.
    apply functional_extensionality; intro. unfold add, sub, scal. ring.
  - now rewrite vsum_scaled, IHx.
  - reflexivity.
  - now rewrite vsum_applied, IHx.
Qed.

(* An atom (s, w, g, w', g') is the scalar product of two words in the space s.  Its letters move to
   the right, and of two atoms that are mirror images one is chosen. *)

Record atom := Atom { space : nat; lw : list letter; lg : nat; rw : list letter; rg : nat }.

Definition flip (e : env) (l : letter) : letter :=
  Letter (name l) (dst l) (src l) (if symmetric e (name l) then turned l else negb (turned l)).

Fixpoint move (e : env) (s : nat) (w : list letter) (g : nat) (v : list letter) (h : nat) : atom :=
  match w with
  | nil => Atom s nil g v h
  | l :: r => if Nat.eqb s (dst l) then move e (src l) r g (flip e l :: v) h else Atom s w g v h
  end.

Definition aeval (e : env) (a : atom) : R :=
  dot (dim e (space a)) (spell e (lw a) (lg a)) (spell e (rw a) (rg a)).

Definition code (l : letter) : nat := (2 * name l + if turned l then 1 else 0)%nat.

Fixpoint before (w v : list letter) : bool :=
  match w, v with
  | nil, _ => true
  | _, nil => false
  | l :: r, k :: t => if Nat.eqb (code l) (code k) then before r t else Nat.ltb (code l) (code k)
  end.

Definition chosen (a b : atom) : atom :=
  if Nat.ltb (lg a) (lg b) then a
  else if Nat.ltb (lg b) (lg a) then b
  else if before (rw a) (rw b) then a else b.

Definition canonical (e : env) (s : nat) (w : list letter) (g : nat) (v : list letter) (h : nat) :=
  let a := move e s w g v h in
  match lw a with nil => chosen a (move e (space a) (rw a) (rg a) nil (lg a)) | _ => a end.

Definition sound (e : env) : Prop :=
  forall k, symmetric e k = true -> forall i j, op e k i j = op e k j i.

Lemma flip_ok e l x y : sound e ->
  dot (dim e (dst l)) (app e l x) y = dot (dim e (src l)) x (app e (flip e l) y).
Proof.
  intro H. unfold app, flip; simpl. destruct (symmetric e (name l)) eqn:S.
  - assert (T : forall n z, mulT n (op e (name l)) z = mul n (op e (name l)) z).
    { intros n z. apply functional_extensionality; intro i. apply sum_ext; intros j _.
      now rewrite (H _ S i j). }
    destruct (turned l); rewrite ?T.
    + rewrite <- (T (dim e (src l)) x). apply dot_adjoint.
    + rewrite <- (T (dim e (src l)) x). apply dot_adjoint.
  - destruct (turned l); simpl.
    + apply dot_adjoint.
    + rewrite dot_sym, (dot_sym _ x). symmetry. apply dot_adjoint.
Qed.

Lemma move_ok e : sound e -> forall w s g v h,
  dot (dim e s) (spell e w g) (spell e v h) = aeval e (move e s w g v h).
Proof.
  intro H. induction w as [| l r IH]; intros s g v h; simpl; [reflexivity |].
  destruct (Nat.eqb_spec s (dst l)) as [-> | D]; [| reflexivity].
  rewrite (flip_ok e l _ _ H). rewrite <- IH. reflexivity.
Qed.

Lemma canonical_ok e s w g v h : sound e ->
  dot (dim e s) (spell e w g) (spell e v h) = aeval e (canonical e s w g v h).
Proof.
  intro H. rewrite (move_ok e H). unfold canonical.
  destruct (move e s w g v h) as [s' lw' lg' rw' rg'] eqn:E. simpl.
  destruct lw' as [| l r]; [| reflexivity].
  unfold chosen.
  assert (M : aeval e (Atom s' nil lg' rw' rg') = aeval e (move e s' rw' rg' nil lg')).
  { rewrite <- (move_ok e H). unfold aeval; simpl. apply dot_sym. }
  repeat match goal with |- context [if ?c then _ else _] => destruct c end; auto.
Qed.

Fixpoint row (e : env) (s : nat) (k : R) (w : list letter) (g : nat) (y : list (R * word)) : R :=
  match y with
  | nil => 0
  | (c, (v, h)) :: r => k * c * aeval e (canonical e s w g v h) + row e s k w g r
  end.

Fixpoint rows (e : env) (s : nat) (x y : list (R * word)) : R :=
  match x with nil => 0 | (k, (w, g)) :: r => row e s k w g y + rows e s r y end.

Lemma dot_add_left n x y z : dot n (add x y) z = dot n x z + dot n y z.
Proof. unfold dot, add. rewrite <- sum_add. apply sum_ext; intros; ring. Qed.

Lemma dot_scal_left n c x z : dot n (scal c x) z = c * dot n x z.
Proof. unfold dot, scal. rewrite <- sum_scal. apply sum_ext; intros; ring. Qed.

Lemma dot_zero_left n z : dot n zero z = 0.
Proof.
  transitivity (sum n (fun _ => 0)); [| apply sum_zero].
  apply sum_ext; intros; unfold zero; ring.
Qed.

Lemma row_ok e s k w g y : sound e ->
  k * dot (dim e s) (spell e w g) (vsum e y) = row e s k w g y.
Proof.
  intro H. induction y as [| [c [v h]] r IH]; simpl.
  - rewrite dot_sym, dot_zero_left. ring.
  - rewrite <- IH, <- (canonical_ok e s w g v h H).
    rewrite dot_sym, dot_add_left, dot_scal_left.
    rewrite (dot_sym _ (spell e v h)), (dot_sym _ (vsum e r)). ring.
Qed.

Theorem dot_normal e s x y : sound e ->
  dot (dim e s) (veval e x) (veval e y) = rows e s (vnorm x) (vnorm y).
Proof.
  intro H. rewrite !vnorm_ok. generalize (vnorm x), (vnorm y). clear x y. intros x y.
  induction x as [| [k [w g]] r IH]; simpl; [apply dot_zero_left |].
  rewrite dot_add_left, dot_scal_left, IH, (row_ok e s k w g y H). reflexivity.
Qed.

Ltac normal E S s x y D :=
  pose proof (dot_normal E s x y S) as D; unfold E in D;
  cbv [veval vnorm vsum joined scaled applied rows row canonical move chosen before code flip aeval
       spell app dim op gen symmetric space lw lg rw rg name src dst turned negb Nat.eqb Nat.ltb
       Nat.leb Nat.mul Nat.add] in D.

Lemma even_power x k : 0 <= x ^ (2 * k).
Proof. rewrite pow_mult. apply pow_le, pow2_ge_0. Qed.

Ltac nonneg :=
  repeat match goal with
  | |- 0 <= _ + _ => apply Rplus_le_le_0_compat
  | |- 0 <= _ * _ => apply Rmult_le_pos
  | |- 0 <= ?x ^ ?n => match eval compute in (Nat.even n) with
                       | true => let k := eval compute in (Nat.div2 n) in exact (even_power x k)
                       | false => apply pow_le
                       end
  | |- 0 <= _ / _ => apply Rmult_le_pos
  | |- 0 <= / _ => apply Rlt_le, Rinv_0_lt_compat
  end; try assumption; try lra.

(* -- the rules --------------------------------------------------------------------------------- *)

(* |K|^2 <= c gives |K'|^2 <= c. *)
Lemma bound_transposed m n K c : 0 <= c ->
  (forall x, dot m (mul n K x) (mul n K x) <= c * dot n x x) ->
  forall y, dot n (mulT m K y) (mulT m K y) <= c * dot m y y.
Proof.
  intros C H y. set (d := mulT m K y). set (q := dot n d d). specialize (H d). fold q in H.
  assert (A : dot m y (mul n K d) = q) by (unfold q, d; symmetry; apply dot_adjoint).
  set (r := dot m (mul n K d) (mul n K d)) in *. set (p := dot m y y).
  assert (Q : 0 <= q) by apply dot_square. assert (P : 0 <= p) by apply dot_square.
  (* 0 <= |c y - K d|^2 = c^2 p - 2 c q + r <= c^2 p - c q *)
  assert (S : 0 <= c * c * p - 2 * c * q + r).
  { replace (c * c * p - 2 * c * q + r) with
      (dot m (sub (scal c y) (mul n K d)) (sub (scal c y) (mul n K d))); [apply dot_square |].
    rewrite <- A. unfold p, r, dot, sub, scal.
    transitivity (c * c * sum m (fun i => y i * y i)
      + (-2 * c * sum m (fun i => y i * mul n K d i)
         + sum m (fun i => mul n K d i * mul n K d i))); [| ring].
    rewrite <- !sum_scal, <- !sum_add. apply sum_ext; intros; ring. }
  destruct (Req_dec c 0) as [-> | D].
  - (* K = 0 on everything, and so K' y = 0 *)
    assert (r = 0). { assert (0 <= r) by apply dot_square. lra. }
    assert (q = 0); [| lra].
    destruct (Req_dec q 0); auto. exfalso.
    (* |t y - K d|^2 = t^2 p - 2 t q + 0 >= 0 for every t *)
    assert (T : forall t, 0 <= t * t * p - 2 * t * q + r).
    { intro t. replace (t * t * p - 2 * t * q + r) with
        (dot m (sub (scal t y) (mul n K d)) (sub (scal t y) (mul n K d))); [apply dot_square |].
      rewrite <- A. unfold p, r, dot, sub, scal.
      transitivity (t * t * sum m (fun i => y i * y i)
        + (-2 * t * sum m (fun i => y i * mul n K d i)
           + sum m (fun i => mul n K d i * mul n K d i))); [| ring].
      rewrite <- !sum_scal, <- !sum_add. apply sum_ext; intros; ring. }
    specialize (T (q / (p + 1))). assert (0 < p + 1) by lra.
    assert (E : q / (p + 1) * (q / (p + 1)) * p - 2 * (q / (p + 1)) * q + r
      = q * q * (- p - 2) / ((p + 1) * (p + 1)) + r) by (field; lra).
    rewrite E in T. assert (0 < q * q) by nra.
    assert (q * q * (- p - 2) / ((p + 1) * (p + 1)) < 0); [| lra].
    apply Rmult_lt_reg_r with ((p + 1) * (p + 1)); [nra |].
    replace (q * q * (- p - 2) / ((p + 1) * (p + 1)) * ((p + 1) * (p + 1)))
      with (q * q * (- p - 2)) by (field; lra). nra.
  - assert (0 < c) by lra. assert (0 <= c * (c * p - q)) by lra.
    assert (0 <= c * p - q); [| lra]. apply Rmult_le_reg_l with c; lra.
Qed.

(* Facts of a flux, entry by entry, added up; an interval without an end leaves its factor out. *)
Lemma sum_of_products m (x y : vec) : (forall i, 0 <= x i * y i) -> 0 <= dot m x y.
Proof. intro H. apply sum_nonneg; intros; apply H. Qed.

(* P' = phi; a and b bound difference quotients, or for a sector the quotients phi(x)/x. *)
Definition primitive (P phi : R -> R) : Prop := forall x, derivable_pt_lim P x (phi x).
Definition slopes_at_most (b : R) (phi : R -> R) : Prop :=
  forall x y, (phi x - phi y) * (x - y) <= b * ((x - y) * (x - y)).
Definition slopes_at_least (a : R) (phi : R -> R) : Prop :=
  forall x y, a * ((x - y) * (x - y)) <= (phi x - phi y) * (x - y).
Definition sector_at_most (b : R) (phi : R -> R) : Prop :=
  forall x, phi x * x <= b * (x * x).
Definition sector_at_least (a : R) (phi : R -> R) : Prop :=
  forall x, a * (x * x) <= phi x * x.

Lemma between a b d f : a * (d * d) <= f * d -> f * d <= b * (d * d) -> (d = 0 -> f = 0) ->
  0 <= (f - a * d) * (b * d - f).
Proof.
  intros A B Z. destruct (Req_dec d 0) as [E | N]; [rewrite (Z E), E; lra |].
  assert (0 < d * d) by nra. apply Rmult_le_reg_l with (d * d); [assumption |].
  replace (d * d * ((f - a * d) * (b * d - f)))
    with ((f * d - a * (d * d)) * (b * (d * d) - f * d)) by ring.
  rewrite Rmult_0_r. apply Rmult_le_pos; lra.
Qed.

Lemma each_at_rest phi : phi 0 = 0 -> each phi zero = zero.
Proof. intro Z. apply functional_extensionality; intro i. exact Z. Qed.

Lemma sector_fact m phi a b s : phi 0 = 0 -> sector_at_least a phi -> sector_at_most b phi ->
  0 <= dot m (sub (each phi s) (scal a s)) (sub (scal b s) (each phi s)).
Proof.
  intros Z A B. apply sum_of_products; intro i. unfold sub, scal, each.
  apply between; auto. intros ->. exact Z.
Qed.

(* A sector with no end above ends where the slopes do, as phi(0) = 0. *)
Lemma rests phi a b : sector_at_least a phi -> slopes_at_most b phi -> phi 0 = 0.
Proof.
  intros A B.
  assert (U : forall t, 0 < t -> phi 0 <= (b - a) * t).
  { intros t T. specialize (A (- t)). specialize (B (- t) 0).
    apply Rmult_le_reg_r with t; [assumption | lra]. }
  assert (D : forall t, 0 < t -> (a - b) * t <= phi 0).
  { intros t T. specialize (A t). specialize (B t 0).
    apply Rmult_le_reg_r with t; [assumption | lra]. }
  assert (0 <= Rabs (b - a)) by apply Rabs_pos. pose proof (Rle_abs (b - a)).
  assert (- Rabs (b - a) <= a - b).
  { pose proof (Rle_abs (b - a)). lra. }
  destruct (Rtotal_order (phi 0) 0) as [L | [E | G]]; [| assumption |]; exfalso.
  - pose (t := - phi 0 / (2 * (Rabs (b - a) + 1))).
    assert (T : 0 < t) by (apply Rdiv_lt_0_compat; lra).
    specialize (D t T). assert ((Rabs (b - a) + 1) * t = - phi 0 / 2) by (unfold t; field; lra).
    assert (- Rabs (b - a) * t <= (a - b) * t) by (apply Rmult_le_compat_r; lra). lra.
  - pose (t := phi 0 / (2 * (Rabs (b - a) + 1))).
    assert (T : 0 < t) by (apply Rdiv_lt_0_compat; lra).
    specialize (U t T). assert ((Rabs (b - a) + 1) * t = phi 0 / 2) by (unfold t; field; lra).
    assert ((b - a) * t <= Rabs (b - a) * t) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Lemma quotients_at_most phi b : phi 0 = 0 -> slopes_at_most b phi -> sector_at_most b phi.
Proof. intros Z B x. specialize (B x 0). rewrite Z in B. lra. Qed.

Lemma sector_fact_above m phi a s : sector_at_least a phi ->
  0 <= dot m (sub (each phi s) (scal a s)) s.
Proof.
  intros A. apply sum_of_products; intro i. unfold sub, scal, each. specialize (A (s i)). lra.
Qed.

Lemma sector_fact_below m phi b s : sector_at_most b phi ->
  0 <= dot m s (sub (scal b s) (each phi s)).
Proof.
  intros B. apply sum_of_products; intro i. unfold sub, scal, each. specialize (B (s i)). lra.
Qed.

Lemma slopes_fact m phi a b s t : slopes_at_least a phi -> slopes_at_most b phi ->
  0 <= dot m (sub (sub (each phi s) (each phi t)) (scal a (sub s t)))
             (sub (scal b (sub s t)) (sub (each phi s) (each phi t))).
Proof.
  intros A B. apply sum_of_products; intro i. unfold sub, scal, each.
  apply between; auto. intro E. replace (s i) with (t i) by lra. lra.
Qed.

Lemma slopes_fact_above m phi a s t : slopes_at_least a phi ->
  0 <= dot m (sub (sub (each phi s) (each phi t)) (scal a (sub s t))) (sub s t).
Proof.
  intro A. apply sum_of_products; intro i. unfold sub, scal, each. specialize (A (s i) (t i)). lra.
Qed.

Lemma slopes_fact_below m phi b s t : slopes_at_most b phi ->
  0 <= dot m (sub s t) (sub (scal b (sub s t)) (sub (each phi s) (each phi t))).
Proof.
  intro B. apply sum_of_products; intro i. unfold sub, scal, each. specialize (B (s i) (t i)). lra.
Qed.

Lemma descent_entry P phi b : primitive P phi -> slopes_at_most b phi ->
  forall s t, P t <= P s + phi s * (t - s) + b / 2 * ((t - s) * (t - s)).
Proof.
  intros D B s t.
  pose (h := fun x => P x - (phi s * x + b / 2 * ((x - s) * (x - s)))).
  assert (H : forall x, derivable_pt_lim h x (phi x - (phi s + b * (x - s)))).
  { intro x. unfold h. apply derivable_pt_lim_minus; [apply D |].
    replace (phi s + b * (x - s)) with (phi s * 1 + b / 2 * (((1 - 0) * (x - s)) + (x - s) * (1 - 0)))
      by field.
    apply derivable_pt_lim_plus.
    - apply derivable_pt_lim_scal, derivable_pt_lim_id.
    - apply (derivable_pt_lim_scal (fun x => (x - s) * (x - s))).
      apply (derivable_pt_lim_mult (fun x => x - s) (fun x => x - s));
      apply (derivable_pt_lim_minus id (fct_cte s));
      (apply derivable_pt_lim_id || apply derivable_pt_lim_const). }
  destruct (Rtotal_order s t) as [L | [-> | L]]; [| lra |].
  - destruct (MVT_cor2 h _ s t L (fun c _ => H c)) as [c [E [C1 C2]]].
    unfold h in E. specialize (B c s).
    assert (phi c - phi s <= b * (c - s)) by (apply Rmult_le_reg_r with (c - s); lra). nra.
  - destruct (MVT_cor2 h _ t s L (fun c _ => H c)) as [c [E [C1 C2]]].
    unfold h in E. specialize (B s c).
    assert (phi s - phi c <= b * (s - c)) by (apply Rmult_le_reg_r with (s - c); lra). nra.
Qed.

Lemma ascent_entry P phi a : primitive P phi -> slopes_at_least a phi ->
  forall s t, P s + phi s * (t - s) + a / 2 * ((t - s) * (t - s)) <= P t.
Proof.
  intros D A s t.
  assert (D' : primitive (fun x => - P x) (fun x => - phi x))
    by (intro x; apply derivable_pt_lim_opp, D).
  assert (B : slopes_at_most (- a) (fun x => - phi x)) by (intros x y; specialize (A x y); lra).
  pose proof (descent_entry _ _ _ D' B s t) as H. simpl in H. lra.
Qed.

Lemma interpolation_entry P phi b : primitive P phi -> slopes_at_least 0 phi ->
  slopes_at_most b phi ->
  forall s t, (phi t - phi s) * (phi t - phi s) <= 2 * b * (P t - P s - phi s * (t - s)).
Proof.
  intros D low high s t.
  assert (B0 : 0 <= b) by (specialize (low 1 0); specialize (high 1 0); lra).
  destruct (Req_dec b 0) as [-> | N].
  - assert (flat : phi t - phi s = 0).
    { destruct (Req_dec s t) as [-> | N]; [ring |].
      specialize (low t s). specialize (high t s).
      apply Rmult_eq_reg_r with (t - s); lra. }
    rewrite flat. lra.
  - assert (0 < b) by lra. set (z := t - / b * (phi t - phi s)).
    pose proof (ascent_entry P phi 0 D low s z) as U.
    pose proof (descent_entry P phi b D high t z) as V.
    set (ps := P s) in *. set (pt := P t) in *. set (fs := phi s) in *. set (ft := phi t) in *.
    assert (W : ps + fs * (z - s) <= pt + ft * (z - t) + b / 2 * ((z - t) * (z - t))) by lra.
    unfold z in W.
    replace (t - / b * (ft - fs) - t) with (- (/ b * (ft - fs))) in W by ring.
    apply Rmult_le_compat_l with (r := 2 * b) in W; [| lra].
    replace (2 * b * (ps + fs * (t - / b * (ft - fs) - s)))
      with (2 * b * (ps + fs * (t - s)) - 2 * fs * (ft - fs)) in W by (field; lra).
    replace (2 * b * (pt + ft * - (/ b * (ft - fs)) +
      b / 2 * (- (/ b * (ft - fs)) * - (/ b * (ft - fs)))))
      with (2 * b * pt - 2 * ft * (ft - fs) + (ft - fs) * (ft - fs)) in W by (field; lra).
    lra.
Qed.

Definition energy (m : nat) (P : R -> R) (s : vec) : R := sum m (each P s).

Lemma entries m (P : R -> R) (s t x y : vec) c :
  (forall i, P (t i) <= P (s i) + x i + c * y i) ->
  energy m P t <= energy m P s + sum m x + c * sum m y.
Proof.
  intro H. unfold energy, each.
  assert (0 <= sum m (fun i => P (s i) + (x i + (c * y i + -1 * P (t i))))).
  { apply sum_nonneg; intros i _. specialize (H i). lra. }
  rewrite !sum_add, !sum_scal in H0. lra.
Qed.

Lemma descent_fact m P phi b s t : primitive P phi -> slopes_at_most b phi ->
  0 <= energy m P s + dot m (each phi s) (sub t s) + b / 2 * dot m (sub t s) (sub t s)
       - energy m P t.
Proof.
  intros D B.
  pose proof (entries m P s t (fun i => phi (s i) * (t i - s i))
    (fun i => (t i - s i) * (t i - s i)) (b / 2)) as E.
  unfold dot, sub, each in *. specialize (E (fun i => descent_entry P phi b D B (s i) (t i))). lra.
Qed.

Lemma ascent_fact m P phi a s t : primitive P phi -> slopes_at_least a phi ->
  0 <= energy m P t - energy m P s - dot m (each phi s) (sub t s)
       - a / 2 * dot m (sub t s) (sub t s).
Proof.
  intros D A.
  pose proof (entries m P t s (fun i => - (phi (s i) * (t i - s i)))
    (fun i => (t i - s i) * (t i - s i)) (- (a / 2))) as E.
  assert (H : forall i, P (s i) <= P (t i) + - (phi (s i) * (t i - s i))
    + - (a / 2) * ((t i - s i) * (t i - s i)))
    by (intro i; pose proof (ascent_entry P phi a D A (s i) (t i)); lra).
  specialize (E H). unfold dot, sub, each in *.
  replace (sum m (fun i => - (phi (s i) * (t i - s i)))) with
    (-1 * sum m (fun i => phi (s i) * (t i - s i))) in E
    by (rewrite <- sum_scal; apply sum_ext; intros; ring). lra.
Qed.

Lemma interpolation_fact m P phi b s t : primitive P phi -> slopes_at_least 0 phi ->
  slopes_at_most b phi ->
  0 <= 2 * b * (energy m P t - energy m P s - dot m (each phi s) (sub t s))
       - dot m (sub (each phi t) (each phi s)) (sub (each phi t) (each phi s)).
Proof.
  intros D low high. unfold energy, dot, sub, each.
  assert (0 <= sum m (fun i => 2 * b * P (t i) + (-2 * b * P (s i)
    + (-2 * b * (phi (s i) * (t i - s i))
       + -1 * ((phi (t i) - phi (s i)) * (phi (t i) - phi (s i))))))).
  { apply sum_nonneg; intros i _. pose proof (interpolation_entry P phi b D low high (s i) (t i)). lra. }
  rewrite !sum_add, !sum_scal in H. lra.
Qed.

(* A goal follows from facts that add up to a multiple of it. *)
Lemma from_multiple k x y : 0 < k -> k * x = y -> 0 <= y -> 0 <= x.
Proof. intros K E Y. apply Rmult_le_reg_l with k; lra. Qed.

Lemma zero_from_multiple k x : 0 < k -> k * x = 0 -> x = 0.
Proof. intros K E. apply Rmult_eq_reg_l with k; lra. Qed.

Ltac positive :=
  first [ assumption | lra
        | match goal with
          | |- 0 < _ * _ => apply Rmult_lt_0_compat; positive
          | |- 0 < _ ^ _ => apply pow_lt; positive
          | |- 0 < / _ => apply Rinv_0_lt_compat; positive
          | |- 0 < _ + _ => first [ apply Rplus_lt_le_0_compat; [positive | nonneg]
                                  | apply Rplus_le_lt_0_compat; [nonneg | positive] ]
          end ].

Ltac sound_at k :=
  first [ solve [cbn; discriminate]
        | destruct k as [| k]; [cbn; intro; first [discriminate | assumption] | sound_at k] ].
Ltac sound_environment := let k := fresh in intro k; sound_at k.
