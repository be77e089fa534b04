using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Programs;
using Tiebreak.Tests.Programs;

namespace Tiebreak.Tests.Gradients;

/// <summary>In float64, for any program: central differences of two widths, combined so that the error of second order cancels.</summary>
sealed class FloatProof(TensorProgram program, Func<Node, double[]> leaf, Func<double> number) : GradientProof<double>(program, leaf, number)
{
    const double Width = 1e-4;
    const double Tolerance = 1e-8;

    protected override double Zero => 0;

    protected override double One => 1;

    protected override double Plus(double left, double right) => left + right;

    protected override double Times(double left, double right) => left * right;

    protected override IEnumerable<(string Name, double[] Values)> Evaluate(TensorProgram program, Func<Node, double[]> leaf) =>
        FloatEvaluator.Evaluate(program, leaf).Select(output => (output.Name, output.Values));

    protected override string? Compare(double[] terms, Func<double, double> loss)
    {
        var derivative = (4 * Slope(Width / 2) - Slope(Width)) / 3;
        var claimed = terms.Sum();
        return Math.Abs(derivative - claimed) <= Tolerance * (1 + terms.Sum(Math.Abs)) ? null : $"the gradient says {claimed}, differences say {derivative}"; // NaN fails

        double Slope(double h) => (loss(h) - loss(-h)) / (2 * h);
    }
}
