using CsCheck;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Refinement;

/// <summary>The short way to the answer under dropout leads where the long one does.</summary>
public sealed class SetUnderNoiseTests
{
    static readonly RefinementOptions Options = new() { Seed = 1 };

    static readonly Gen<(int[] Widths, int Function, int[] Weights)> Networks =
        from widths in Gen.Int[1, 3].Array[3, 4]
        from function in Gen.Int[0, 19]
        from weights in Gen.Int[-1, 2].Array[60]
        from few in Gen.Int[1, 4]
        select (widths, function, weights.Select(weight => few == 1 ? 1 : weight % few).ToArray());

    [Fact]
    public void The_set_found_within_is_the_set_found_from_the_start()
    {
        var (taken, broken) = (0, 0);
        Networks.Sample(
            network =>
            {
                var (noisy, quiet) = (Perceptron(network, hasDropout: true), Perceptron(network, hasDropout: false));
                var expected = SmallestInvariantSet.Find(noisy, Options);
                var without = SmallestInvariantSet.Find(quiet, Options);
                var codes = without.Partition!.Codes.Select(tensor => tensor.ToArray()).ToArray();
                if (SetUnderNoise.Within(without, noisy, Options) is { } found)
                {
                    taken++;
                    Assert.True(found.Partition!.SameAs(expected.Partition!));
                }

                if (!without.Partition.SameAs(expected.Partition!)) broken++;
                Assert.Equal(codes, without.Partition.Codes); // what refinement went on from is left as it was
                Assert.True(SetUnderNoise.Find(noisy, quiet, Options).Result.Partition!.SameAs(expected.Partition!));
            },
            iter: 200, threads: 1);
        Assert.True(taken > 50, $"{taken} of 200");
        Assert.True(broken > 20, $"{broken} of 200");
    }

    static Model Perceptron((int[] Widths, int Function, int[] Weights) network, bool hasDropout)
    {
        var b = new ProgramBuilder();
        var parameters = new List<ParameterTensor>();
        var used = 0;
        Node Parameter(string name, params int[] sizes)
        {
            var shape = new Shape(sizes);
            var values = Enumerable.Range(0, (int)shape.Count).Select(_ => new Rational(network.Weights[used++ % network.Weights.Length], 4)).ToArray();
            parameters.Add(new ParameterTensor(name, shape, new RationalTensor(values)));
            return b.Parameter(name, shape);
        }

        var h = b.Data("x", new Shape(1, network.Widths[0]));
        for (var layer = 1; layer < network.Widths.Length; layer++)
        {
            h = b.Dense(h, Parameter($"w{layer}", network.Widths[layer], network.Widths[layer - 1]), Parameter($"b{layer}", network.Widths[layer]));
            if (layer == network.Widths.Length - 1) continue;
            h = b.Any(h, new Choices([network.Function]));
            if (hasDropout) h = b.Multiply(h, b.Data($"mask{layer}", h.Shape, DataKind.Mask));
        }

        b.Output("y", h);
        return new Model { Program = b.Build(), Parameters = parameters, HasDropout = hasDropout, OutputIsLoss = false };
    }
}
