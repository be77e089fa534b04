using System.Numerics;
using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Tests.Judge;

/// <summary>The parameters of a model as one flat list, and the gradient of a random loss of it.</summary>
sealed class ModelGradient
{
    readonly Model _model;

    public ModelGradient(Model model)
    {
        _model = model;
        Start = [.. model.Parameters.SelectMany(tensor => Numbers(tensor.Start))];
    }

    /// <summary>θ⁰, all tensors one after the other.</summary>
    public Rational[] Start { get; }

    /// <summary>The gradient at a point, for fresh random data and a fresh random adjoint of every output.</summary>
    public BigInteger[] At(BigInteger[] point, FunctionTables functions, RandomElements random)
    {
        var parameters = new Dictionary<string, Dual[]>(StringComparer.Ordinal);
        var first = 0;
        foreach (var tensor in _model.Parameters)
        {
            parameters.Add(tensor.Name, [.. Enumerable.Range(first, (int)tensor.Shape.Count).Select(k => new Dual(point[k], Unit(k)))]);
            first += (int)tensor.Shape.Count;
        }

        foreach (var tensor in _model.Frozen)
            parameters.Add(tensor.Name, [.. Numbers(tensor.Start).Select(value => new Dual(PrimeField.Image(value)))]);

        var values = DualInterpreter.Run(_model.Program, parameters, functions, random);
        var loss = new Dual(BigInteger.Zero, new BigInteger[Start.Length]);
        foreach (var (_, node) in _model.Program.Outputs)
            foreach (var element in values[node.Id])
                loss += _model.OutputIsLoss ? element : element * new Dual(random.Next());
        return loss.Slopes!;
    }

    static IEnumerable<Rational> Numbers(ExactTensor tensor)
    {
        for (long k = 0; k < tensor.Count; k++) yield return tensor[k];
    }

    BigInteger[] Unit(int k)
    {
        var slopes = new BigInteger[Start.Length];
        slopes[k] = BigInteger.One;
        return slopes;
    }
}
