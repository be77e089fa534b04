using CsCheck;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx.Writing;
using Tiebreak.Gradients;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx.Writing;

/// <summary>Random programs and their gradients, written as ONNX, mean the same to ONNX Runtime.</summary>
public sealed class WrittenProgramsTests
{
    [Fact]
    public void Expressions_and_their_gradients_mean_the_same() => Sample(RandomModels.Scalars, 60);

    [Fact]
    public void Networks_and_their_gradients_mean_the_same() => Sample(RandomModels.Networks, 100);

    [Fact]
    public void Movements_and_their_gradients_mean_the_same() => Sample(RandomModels.Movements, 100);

    [Fact]
    public void Programs_of_all_primitives_and_their_gradients_mean_the_same() => Sample(Gen.Int[0, 1_000_000].Select(seed => RandomPrograms.Draw(seed)), 200);

    [Fact]
    public void Networks_mean_the_same_in_float32() => Sample(RandomModels.Networks, 60, OnnxElementType.Float32);

    [Fact]
    public void Movements_mean_the_same_in_float32() => Sample(RandomModels.Movements, 60, OnnxElementType.Float32);

    static void Sample(Gen<Model> models, int count, OnnxElementType elementType = OnnxElementType.Float64)
    {
        var (defined, total) = (0, count * Agreement.More);
        models.Sample(model =>
        {
            var gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet());
            if (Written.Agrees(gradient.WithOutputs([.. model.Program.Outputs, .. gradient.Outputs]), elementType)) defined++;
        }, iter: total, threads: 1, print: RandomModels.Show);
        Assert.True(defined > total / 2, $"only {defined} of {total} programs had finite values");
    }
}
