// Package stat turns repeated measurements into a value with its 95 % interval,
// and two sets of them into a difference.
//
// Its principle is that an interval means nothing without what it is over: images,
// rounds of measuring or training seeds vary for different reasons, and an
// interval over one says nothing of the others. So every [Estimate] carries the
// [Method] that made its interval, and has no interval exactly when the method is
// [None]: there is no nil, no NaN, no infinity and no interval of width zero
// that has to be understood as none. What cannot be estimated (a single value,
// a mean of values without any spread) has no interval, and the output says
// so.
//
// Where x/perf/benchmath or gonum have the test, theirs is used. Sources:
//
//   - Student (1908), The probable error of a mean. Biometrika 6.
//   - Welch (1947), The generalization of "Student's" problem when several
//     different population variances are involved. Biometrika 34.
//   - Wilson (1927), Probable inference, the law of succession, and statistical
//     inference. JASA 22.
//   - Shao and Tu (1995), The Jackknife and Bootstrap. Springer: delete-a-group,
//     section 2.3.
//   - Hollander, Wolfe and Chicken (2014), Nonparametric Statistical Methods.
//     Wiley: the sign test's interval in chapter 3, Mann–Whitney and
//     Hodges–Lehmann in chapter 4.
//   - Holm (1979), A simple sequentially rejective multiple test procedure.
//     Scandinavian Journal of Statistics 6.
//   - Pettitt (1979), A non-parametric approach to the change-point problem.
//     Applied Statistics 28.
//
// How often the intervals cover and the tests alarm falsely is simulated in
// coverage_test.go.
package stat
